import FoundationEssentials
package import MillraceCore
package import MillraceHTTPClient

/// What every service's client has in common: endpoint, signature, errors, and a second attempt where a new signature helps.
///
/// The transport repeats what failed on the way, and answers 429 and 5xx. What it cannot know is done here: a clock that is wrong is
/// corrected by the service's `Date`, credentials that a service refuses as expired are renewed, and throttling that comes as status 400 is
/// waited for. Each of these signs anew.
package struct AWSServiceClient: Sendable {
    /// How requests prove who sends them.
    package enum Authentication: Sendable {
        /// Signature Version 4.
        case signature(any AWSCredentialProvider)
        /// `Authorization: Bearer`, as Bedrock takes it; asked for at every call.
        case bearer(@Sendable () async throws -> String)
        /// `Authorization: Basic`, as OpenSearch takes it.
        case basic(user: String, password: @Sendable () async throws -> String)
        /// Nothing, for servers that ask for nothing.
        case none
    }

    package let service: AWSService
    package internal(set) var endpoint: AWSEndpointSettings
    /// The base URL, without a slash at its end.
    package internal(set) var url: String
    package let authentication: Authentication
    private let transport: any HTTPTransport
    private let clock: HTTPPolicyClock
    private let skew: ClockSkew
    private let attempts: Int

    /// - Parameters:
    ///   - attempts: how often a call is signed at most (default: 3).
    package init(
        _ service: AWSService, endpoint: AWSEndpointSettings, authentication: Authentication, transport: any HTTPTransport,
        clock: HTTPPolicyClock = .system, attempts: Int = 3
    ) {
        self.service = service
        self.endpoint = endpoint
        self.authentication = authentication
        self.transport = transport
        self.clock = clock
        self.attempts = attempts
        // Settings that give no URL are refused by every call.
        url = (try? endpoint.url(of: service)) ?? ""
        skew = ClockSkew()
    }

    /// The same client with another proof of who sends its requests, such as none for the calls by which a proof is got.
    package func authenticated(by authentication: Authentication) -> AWSServiceClient {
        AWSServiceClient(self, authentication)
    }

    private init(_ other: AWSServiceClient, _ authentication: Authentication) {
        service = other.service
        endpoint = other.endpoint
        url = other.url
        self.authentication = authentication
        transport = other.transport
        clock = other.clock
        skew = other.skew
        attempts = other.attempts
    }

    /// The signer of this client's requests.
    package var signer: SigV4Signer {
        SigV4Signer(
            service: service.signingName, region: endpoint.region, pathStyle: service.pathStyle, sendsContentHash: service.sendsContentHash)
    }

    /// The time of the next signature, corrected by what a service has said of the time.
    package var signingTime: Timestamp { skew.corrected(clock.wall()) }

    /// Sends a request and lends the successful response.
    /// - Throws: ``AWSServiceError`` for an answer outside 200–299; as ``HTTPTransport/exchange(_:_:)``; what `read` throws.
    package func exchange<R>(_ request: AWSRequest, _ read: (any HTTPResponseStream) async throws -> R) async throws -> R {
        if url.isEmpty { _ = try endpoint.url(of: service) }
        var request = request
        // A body that was pulled once is gone.
        let wasPulled = Locked(false)
        if case .stream(let length, let next) = request.body {
            request.body = .stream(length: length) {
                wasPulled.withLock { $0 = true }
                return try await next()
            }
        }
        var state = AWSRetryState(most: attempts)
        var refusal: Refusal?
        while true {
            let outcome: Outcome<R> = try await send(request, &state, after: refusal, canResend: { !wasPulled.withLock { $0 } }, read)
            switch outcome {
            case .finished(let result): return result
            case .again(.wait(let milliseconds), _): try await wait(upToMilliseconds: milliseconds)
            case .again(_, let new): refusal = new
            }
        }
    }

    /// Sends a request and takes the whole answer as JSON; an empty one is an empty object.
    package func json(_ request: AWSRequest, limit: Int = 16 << 20) async throws -> JSONValue {
        try await exchange(request) { response in
            let bytes = try await response.collect(limit: limit)
            return bytes.isEmpty ? .object([:]) : try JSONValue(parsing: bytes)
        }
    }

    /// Waits by the client's clock.
    func wait(_ duration: Duration) async throws { try await clock.sleep(duration) }

    /// Waits a random part of so many milliseconds, so that those who were refused together do not come back together.
    func wait(upToMilliseconds most: Int) async throws { try await wait(.milliseconds(Int.random(in: 0...most))) }

    private enum Outcome<R> {
        case finished(R)
        case again(AWSRetryState.Action, Refusal?)
    }

    /// Credentials that a service has refused, and how.
    private struct Refusal {
        let credentials: AWSCredentials
        let error: AWSServiceError
    }

    private func send<R>(
        _ request: AWSRequest, _ state: inout AWSRetryState, after refusal: Refusal?, canResend: () -> Bool,
        _ read: (any HTTPResponseStream) async throws -> R
    ) async throws -> Outcome<R> {
        let offset = skew.offset
        let (signed, credentials) = try await authenticated(request, offset)
        // A provider that has no others would have us refused once more.
        if let refusal, let credentials, refusal.credentials.isSameSecret(as: credentials) { throw refusal.error }
        return try await transport.exchange(signed) { response in
            guard !(200..<300).contains(response.status) else { return .finished(try await read(response)) }
            let body = try await response.prefix(Self.errorByteLimit)
            response.discardRest()
            var error = AWSErrorBody(status: response.status, headers: response.headers, body: body).error(service: service.name)
            if error.message.isEmpty, error.code == AWSErrorBody(status: response.status, headers: [:], body: []).error(service: "").code {
                error.message = AWSErrorBody.excerpt(of: body)
            }
            error.redact(Self.secrets(in: signed, credentials))
            // Both also of a call that is over: the next one is right.
            let correctsClock =
                credentials != nil && skew.isCorrected(by: error, date: response.headers["Date"], used: offset, now: clock.wall())
            let action = state.refused(by: error, correctsClock: correctsClock, canResend: canResend())
            if let credentials, !correctsClock, AWSRetryState.expired.contains(error.code), case .signature(let provider) = authentication {
                await provider.refused(credentials)
            }
            switch action {
            case .fail: throw error
            case .renewCredentials:
                guard let credentials else { throw error }
                return .again(action, Refusal(credentials: credentials, error: error))
            case .signAnew, .wait: return .again(action, nil)
            }
        }
    }

    private func authenticated(_ request: AWSRequest, _ offset: Int64) async throws -> (HTTPClientRequest, AWSCredentials?) {
        let query = request.encodedQuery
        var signed = HTTPClientRequest(
            method: request.method, url: url + request.path + (query.isEmpty ? "" : "?" + query), headers: request.headers,
            body: request.body, timeouts: request.timeouts ?? endpoint.timeouts, responseByteLimit: request.responseByteLimit,
            isRepeatable: request.isRepeatable)
        switch authentication {
        case .signature(let provider):
            let credentials = try await provider.credentials()
            let time = Timestamp(microseconds: clock.wall().microseconds + offset)
            try signer.sign(&signed, payload: try payload(of: request), credentials: credentials, at: time)
            return (signed, credentials)
        case .bearer(let token): signed.headers.set("Authorization", "Bearer " + (try await token()))
        case .basic(let user, let password):
            let pair = Array("\(user):\(try await password())".utf8)
            signed.headers.set("Authorization", "Basic " + Data(pair).base64EncodedString())
        case .none: break
        }
        return (signed, nil)
    }

    /// What a refusal must not quote: services show a signature's text, with the session's token in it, and S3 a token that has expired.
    private static func secrets(in request: HTTPClientRequest, _ credentials: AWSCredentials?) -> [String] {
        let proof = request.headers["Authorization"]?.split(separator: " ").last.map(String.init)
        return [credentials?.secretAccessKey, credentials?.sessionToken, proof].compactMap { $0 }
    }

    /// What the signature says of a body.
    private func payload(of request: AWSRequest) throws(MillraceError) -> SigV4Signer.Payload {
        switch (request.payload, request.body) {
        case (let payload?, _): return payload
        case (nil, .none): return .bytes([])
        case (nil, .bytes(let bytes)): return .bytes(bytes)
        case (nil, .stream) where !service.signsChunks:
            throw MillraceError(.invalidInput, "\(service.name) takes no body in pieces: its signature holds the whole body's hash")
        // TLS vouches for what the signature does not say; without TLS every chunk is signed.
        case (nil, .stream): return url.utf8.starts(with: "https:".utf8) ? .unsigned : .signedChunks()
        }
    }

    /// How much of an error's body is read.
    private static let errorByteLimit = 64 << 10
}
