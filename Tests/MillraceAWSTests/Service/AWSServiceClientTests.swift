import MillraceAWS
import MillraceCore
import MillraceCounterparts
import MillraceHTTPClient
import Testing

@Suite(.ownThreads) struct AWSServiceClientTests {
    typealias Answer = ScriptedAWSTransport.Answer

    /// Friday, 24 May 2013, 00:00:00.
    private static let time = Timestamp(microseconds: 1_369_353_600_000_000)
    private static let hour: Int64 = 3_600_000_000
    private let clock = ManualWallClock(time)
    private let credentials = ScriptedCredentials("AKID")

    private static func refusal(_ code: String, status: Int = 400, date: String? = nil) -> Answer {
        Answer(
            status: status, headers: date.map { ["Date": $0] } ?? [:],
            body: #"{"__type":"com.amazon.coral.service#\#(code)","message":"No."}"#)
    }

    private func client(
        _ transport: ScriptedAWSTransport, _ service: AWSService = .dynamoDB, url: String? = nil, provider: ScriptedCredentials? = nil,
        attempts: Int = 3
    ) -> AWSServiceClient {
        AWSServiceClient(
            service, endpoint: AWSEndpointSettings(region: "eu-central-1", url: url),
            authentication: .signature(provider ?? credentials), transport: transport, clock: clock.policyClock, attempts: attempts)
    }

    private func error(_ body: () async throws -> Void) async -> AWSServiceError? {
        do { try await body() } catch { return error as? AWSServiceError }
        return nil
    }

    private static let call = AWSRequest.json("POST", "/", ["a": 1])

    // MARK: The time

    @Test(arguments: ["InvalidSignatureException", "RequestTimeTooSkewed", "SignatureDoesNotMatch", "RequestExpired"])
    func clockAnHourLate_isCorrectedForTheSecondAttemptAndEveryLaterCall(_ code: String) async throws {
        let transport = ScriptedAWSTransport([Self.refusal(code, status: 403, date: "Fri, 24 May 2013 01:00:00 GMT"), Answer(body: "{}")])
        let client = client(transport)
        _ = try await client.json(Self.call)
        _ = try await client.json(Self.call)
        #expect(transport.requests.map { $0.headers["X-Amz-Date"] } == ["20130524T000000Z", "20130524T010000Z", "20130524T010000Z"])
        #expect(clock.waits.isEmpty)
        #expect(credentials.refused.isEmpty)
        #expect(client.signingTime == Timestamp(microseconds: Self.time.microseconds + Self.hour))
    }

    @Test func clockThatIsSetRightLater_isFoundRightAgain() async throws {
        let transport = ScriptedAWSTransport([
            Self.refusal("InvalidSignatureException", date: "Fri, 24 May 2013 01:00:00 GMT"), Answer(),
            Self.refusal("InvalidSignatureException", date: "Fri, 24 May 2013 01:00:00 GMT"), Answer(),
        ])
        let client = client(transport)
        _ = try await client.json(Self.call)
        clock.set(Timestamp(microseconds: Self.time.microseconds + Self.hour))
        _ = try await client.json(Self.call)
        #expect(
            transport.requests.map { $0.headers["X-Amz-Date"]?.prefix(11) } == ["20130524T00", "20130524T01", "20130524T02", "20130524T01"])
    }

    @Test func signatureThatIsWrongAtTheRightTime_failsAtOnce() async throws {
        let transport = ScriptedAWSTransport([Self.refusal("SignatureDoesNotMatch", status: 403, date: "Fri, 24 May 2013 00:03:00 GMT")])
        let client = client(transport)
        #expect(await error { _ = try await client.json(Self.call) }?.code == "SignatureDoesNotMatch")
        #expect(transport.requests.count == 1)
    }

    @Test func serviceWhoseDateIsAnotherEachTime_isAskedTwice() async throws {
        let transport = ScriptedAWSTransport { number, _, _ in
            Self.refusal("InvalidSignatureException", date: "Fri, 24 May 2013 0\(number + 1):00:00 GMT")
        }
        let client = client(transport)
        #expect(await error { _ = try await client.json(Self.call) } != nil)
        #expect(transport.requests.count == 2)
    }

    @Test func callsThatAreRefusedTogether_areAllSignedAnew() async throws {
        // While the first waits for its refusal, a second is refused, corrected and answered.
        let clients = Locked([AWSServiceClient]())
        let transport = ScriptedAWSTransport { number, request, _ in
            if number == 0 { _ = try await clients.withLock { $0[0] }.json(Self.call) }
            return request.headers["X-Amz-Date"] == "20130524T000000Z"
                ? Self.refusal("InvalidSignatureException", date: "Fri, 24 May 2013 01:00:00 GMT") : Answer()
        }
        let client = client(transport)
        clients.withLock { $0 = [client] }
        defer { clients.withLock { $0 = [] } }
        _ = try await client.json(Self.call)
        #expect(
            transport.requests.map { $0.headers["X-Amz-Date"]?.prefix(11) } == ["20130524T00", "20130524T00", "20130524T01", "20130524T01"])
    }

    // MARK: Credentials

    @Test func expiredToken_isRenewedAndTheCallSentAgain() async throws {
        let provider = ScriptedCredentials("OLD", "NEW")
        let transport = ScriptedAWSTransport([Self.refusal("ExpiredTokenException"), Answer(body: #"{"ok":true}"#)])
        let answer = try await client(transport, provider: provider).json(Self.call)
        #expect(answer["ok"]?.bool == true)
        #expect(provider.refused == ["OLD"])
        #expect(transport.requests.map { $0.headers["X-Amz-Security-Token"] } == ["token of OLD", "token of NEW"])
        #expect(transport.requests.last?.headers["Authorization"]?.contains("Credential=NEW/") == true)
    }

    @Test func expiredTokenWithoutOthers_failsAfterOneAttempt() async throws {
        let transport = ScriptedAWSTransport([Self.refusal("ExpiredToken")])
        let client = client(transport)
        #expect(await error { _ = try await client.json(Self.call) }?.code == "ExpiredToken")
        #expect(transport.requests.count == 1)
        #expect(credentials.refused == ["AKID"])
    }

    @Test func tokensThatAreAllExpired_areRenewedOnce() async throws {
        let provider = ScriptedCredentials("A", "B", "C", "D")
        let transport = ScriptedAWSTransport([Self.refusal("ExpiredToken")])
        let client = client(transport, provider: provider)
        #expect(await error { _ = try await client.json(Self.call) } != nil)
        #expect(transport.requests.count == 2)
        // Also the last refusal is told, for the next call's sake.
        #expect(provider.refused == ["A", "B"])
    }

    @Test func everyAuthentication_sendsItsOwnHeader() async throws {
        let transport = ScriptedAWSTransport([Answer()])
        let kinds: [(AWSServiceClient.Authentication, String?)] = [
            (.bearer { "t" }, "Bearer t"), (.basic(user: "u") { "p:é" }, "Basic dTpwOsOp"), (.none, nil),
        ]
        for (kind, expected) in kinds {
            let client = AWSServiceClient(
                .openSearch, endpoint: AWSEndpointSettings(region: "eu-central-1", url: "http://127.0.0.1:1"), authentication: kind,
                transport: transport, clock: clock.policyClock)
            _ = try await client.json(Self.call)
            #expect(transport.requests.last?.headers["Authorization"] == expected)
        }
    }

    // MARK: Throttling

    @Test func throttlingAsStatus400_isWaitedForAndBounded() async throws {
        let passing = ScriptedAWSTransport([
            Self.refusal("ThrottlingException"), Self.refusal("ProvisionedThroughputExceededException"), Answer(),
        ])
        _ = try await client(passing).json(Self.call)
        #expect(passing.requests.count == 3)
        #expect(clock.waits.count == 2)
        #expect(zip(clock.waits, [200, 400]).allSatisfy { $0 >= .zero && $0 <= .milliseconds($1) })
        let lasting = ScriptedAWSTransport([Self.refusal("ThrottlingException")])
        let client = client(lasting)
        let error = await error { _ = try await client.json(Self.call) }
        #expect(error?.isThrottling == true && error?.isRetryable == true)
        #expect(lasting.requests.count == 3)
    }

    @Test(arguments: [
        ("ThrottlingException", 429), ("ServiceUnavailable", 503), ("ValidationException", 400), ("AccessDeniedException", 403),
    ])
    func refusalThatTheTransportRepeatsOrNobodyCan_isTheAnswer(_ code: String, _ status: Int) async throws {
        let transport = ScriptedAWSTransport([Self.refusal(code, status: status)])
        let client = client(transport)
        #expect(await error { _ = try await client.json(Self.call) }?.status == status)
        #expect(transport.requests.count == 1)
    }

    @Test func callThatIsCancelledWhileItWaits_ends() async throws {
        let transport = ScriptedAWSTransport { _, _, _ in
            withUnsafeCurrentTask { $0?.cancel() }
            return Self.refusal("ThrottlingException")
        }
        let client = client(transport)
        await #expect(throws: CancellationError.self) { try await Task { _ = try await client.json(Self.call) }.value }
        #expect(transport.requests.count == 1)
    }

    // MARK: Bodies

    private static func stream(_ pieces: String..., length: Int?) -> HTTPClientRequest.Body {
        let rest = Locked(pieces)
        return .stream(length: length) { rest.withLock { $0.isEmpty ? nil : Array($0.removeFirst().utf8) } }
    }

    @Test func streamThatWasPulled_isNotSentAgain() async throws {
        let transport = ScriptedAWSTransport([Answer(status: 400, body: "<Error><Code>SlowDown</Code></Error>", pulledPieces: 1), Answer()])
        let client = client(transport, .s3, url: "https://s3.example")
        let error = await error {
            try await client.exchange(AWSRequest("PUT", "/b/k", body: Self.stream("ab", "cd", length: 4))) { _ in }
        }
        #expect(error?.code == "SlowDown")
        #expect(transport.requests.count == 1)
    }

    @Test func streamThatWasNotPulled_isSentAgainWhole() async throws {
        let transport = ScriptedAWSTransport([
            Answer(status: 400, body: "<Error><Code>SlowDown</Code></Error>", pulledPieces: 0), Answer(),
        ])
        try await client(transport, .s3, url: "https://s3.example").exchange(
            AWSRequest("PUT", "/b/k", body: Self.stream("ab", "cd", length: 4))
        ) { _ in }
        #expect(transport.bodies.map { String(decoding: $0, as: UTF8.self) } == ["", "abcd"])
    }

    @Test func streamToS3_isUnsignedOverTLSAndSignedInChunksWithout() async throws {
        let transport = ScriptedAWSTransport([Answer()])
        func put(_ url: String) async throws {
            try await client(transport, .s3, url: url).exchange(AWSRequest("PUT", "/b/k", body: Self.stream("ab", "cd", length: 4))) { _ in
            }
        }
        try await put("https://s3.example")
        #expect(transport.requests[0].headers["X-Amz-Content-Sha256"] == "UNSIGNED-PAYLOAD")
        #expect(transport.bodies[0] == Array("abcd".utf8))
        try await put("http://127.0.0.1:9000")
        #expect(transport.requests[1].headers["X-Amz-Content-Sha256"] == "STREAMING-AWS4-HMAC-SHA256-PAYLOAD")
        #expect(transport.requests[1].headers["X-Amz-Decoded-Content-Length"] == "4")
        #expect(String(decoding: transport.bodies[1], as: UTF8.self).hasPrefix("4;chunk-signature="))
        if case .stream(let length, _) = transport.requests[1].body { #expect(length == transport.bodies[1].count) }
    }

    @Test func streamWithAChecksumBehindIt_isFramed() async throws {
        let transport = ScriptedAWSTransport([Answer()])
        var request = AWSRequest("PUT", "/b/k", body: Self.stream("Hello ", "world", length: 11))
        request.payload = .unsignedChunks(trailer: .crc32)
        try await client(transport, .s3, url: "https://s3.example").exchange(request) { _ in }
        #expect(String(decoding: transport.bodies[0], as: UTF8.self) == "b\r\nHello world\r\n0\r\nx-amz-checksum-crc32:i9aeUg==\r\n\r\n")
    }

    @Test func streamThatCannotBeSigned_isRefusedBeforeItIsSent() async throws {
        let transport = ScriptedAWSTransport([Answer()])
        // Other services sign a whole body's hash; a chunk's signature needs the length.
        for (service, length) in [(AWSService.dynamoDB, 4 as Int?), (.s3, nil)] {
            let client = client(transport, service, url: "http://127.0.0.1:9000")
            await #expect(throws: MillraceError.self) {
                try await client.exchange(AWSRequest("PUT", "/b/k", body: Self.stream("ab", length: length))) { _ in }
            }
        }
        #expect(transport.requests.isEmpty)
    }

    @Test func settingsWithoutAURL_areRefusedByEveryCall() async throws {
        let transport = ScriptedAWSTransport([Answer()])
        let client = AWSServiceClient(
            .s3, endpoint: AWSEndpointSettings(region: "no region"), authentication: .none, transport: transport, clock: clock.policyClock)
        let error = await #expect(throws: MillraceError.self) { try await client.exchange(AWSRequest("GET", "/")) { _ in } }
        #expect(error?.code == .configuration)
        #expect(transport.requests.isEmpty)
    }
}
