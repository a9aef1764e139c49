import MillraceAWS
import MillraceCore
import MillraceCounterparts
import MillraceHTTPClient
import Testing

/// What goes wrong, against the tests' Bedrock Runtime.
@Suite(.ownThreads) struct BedrockFailureTests {
    @Test(arguments: [
        ("ThrottlingException", 429, true), ("InternalServerException", 500, true), ("ServiceUnavailableException", 503, true),
        ("ModelNotReadyException", 429, true), ("ModelErrorException", 424, false), ("ModelTimeoutException", 408, true),
        ("AccessDeniedException", 403, false),
        ("ServiceQuotaExceededException", 400, false), ("ResourceNotFoundException", 404, false),
    ])
    func refusal_isThrownWithItsCode(code: String, status: Int, isRetryable: Bool) async throws {
        guard let server = try BedrockServer.shared() else { return }
        let errors = try await onLoop {
            let client = server.client()
            let streamed = await client.events("Hello [[fail:\(code)]]").error
            var whole: (any Error)?
            do { _ = try await client.converse(modelID: BedrockServer.model, BedrockServer.prompt("[[fail:\(code)]]")) } catch {
                whole = error
            }
            return [streamed, whole].map { $0 as? AWSServiceError }
        }
        for error in errors {
            let error = try #require(error)
            #expect(error.service == "Bedrock")
            #expect(error.code == code)
            #expect(error.status == status)
            #expect(error.isRetryable == isRetryable)
            #expect(error.message == "The prompt asked for \(code).")
            #expect(error.requestID?.hasPrefix("00000000-") == true)
            if code == "ModelErrorException" { #expect(error.details["originalStatusCode"] == 500) }
        }
    }

    @Test func request_withAMemberNobodyKnows_isRefusedByName() async throws {
        guard let server = try BedrockServer.shared() else { return }
        let body = BedrockServer.prompt("Hello", ["inferenceConfig": ["maxTokens": 0, "max_tokens": 3]])
        let error = await #expect(throws: AWSServiceError.self) {
            try await onLoop { try await server.client().converse(modelID: BedrockServer.model, body) }
        }
        #expect(error?.code == "ValidationException")
        #expect(error?.message.contains("'inferenceConfig.max_tokens' is not a member") == true)
        #expect(error?.message.contains("2 validation errors") == true)
        #expect(error?.isRetryable == false)
    }

    @Test(
        arguments: [
            ("throttlingException", "ThrottlingException", true), ("modelStreamErrorException", "ModelStreamErrorException", true),
            ("validationException", "ValidationException", false), ("internalServerException", "InternalServerException", true),
            ("serviceUnavailableException", "ServiceUnavailableException", true),
        ], ["", "-after"])
    func exceptionInTheStream_isThrownAfterTheEventsBeforeIt(
        exception: (type: String, code: String, isRetryable: Bool), when: String
    ) async throws {
        guard let server = try BedrockServer.shared() else { return }
        let result = try await onLoop { await server.client().events("Hello there [[stream-exception\(when):\(exception.type)]]") }
        #expect(result.events.map(\.type) == ["messageStart"] + (when.isEmpty ? [] : ["contentBlockDelta"]))
        let error = try #require(result.error as? AWSServiceError)
        #expect(error.code == exception.code)
        #expect(error.status == 200)
        #expect(error.isRetryable == exception.isRetryable)
        #expect(error.message == "The prompt asked for \(exception.type).")
        #expect(error.requestID?.hasPrefix("00000000-") == true)
        let isModels = exception.type == "modelStreamErrorException"
        #expect(error.details == (isModels ? ["originalStatusCode": 500, "originalMessage": "the model stumbled"] : [:]))
    }

    @Test func modelTimeoutInTheStreamOfInvokeModel_isThrown() async throws {
        guard let server = try BedrockServer.shared() else { return }
        let body: JSONValue = [
            "anthropic_version": "bedrock-2023-05-31", "max_tokens": 9,
            "messages": [["role": "user", "content": "Hello [[stream-exception-after:modelTimeoutException]]"]],
        ]
        let error = await #expect(throws: AWSServiceError.self) {
            try await onLoop {
                try await server.client().invokeModelStream(modelID: BedrockServer.model, body: Array(body.text.utf8)) { _ in }
            }
        }
        #expect(error?.code == "ModelTimeoutException")
        #expect(error?.isRetryable == true)
    }

    @Test func errorInTheStream_isThrownWithItsCode() async throws {
        guard let server = try BedrockServer.shared() else { return }
        let result = try await onLoop { await server.client().events("Hello there [[stream-error:InternalFailure]]") }
        let error = try #require(result.error as? AWSServiceError)
        #expect(error.code == "InternalFailure")
        #expect(error.message == "The prompt asked for an error.")
        #expect(error.isRetryable)
        #expect(result.events.count == 2)
    }

    @Test(arguments: [
        ("cut:frame", ErrorCode.connectionLost, true), ("cut:between", .connectionLost, true), ("cut:frame-end", .connectionLost, true),
        ("corrupt:prelude", .corruptedResponse, true), ("corrupt:message", .corruptedResponse, true),
        ("corrupt:type", .corruptedResponse, true), ("corrupt:length", .limitExceeded, false),
    ])
    func brokenStream_isAnErrorAfterTheEventsBeforeIt(directive: String, code: ErrorCode, isRetryable: Bool) async throws {
        guard let server = try BedrockServer.shared() else { return }
        for pieces in ["", "[[tiny]]"] {
            let result = try await onLoop { await server.client().events("Hello there [[\(directive)]] \(pieces)") }
            #expect(result.events.map(\.type) == ["messageStart", "contentBlockDelta"])
            let error = try #require(result.error as? MillraceError)
            #expect(error.code == code, "\(error)")
            #expect(error.isRetryable == isRetryable)
        }
    }

    // MARK: Who asks

    @Test func bearerToken_isTaken() async throws {
        guard let server = try BedrockServer.shared() else { return }
        let seen = try await onLoop {
            _ = try await server.client(.bearer { "bearer-token" }).converse(
                modelID: BedrockServer.model, BedrockServer.prompt("Hi [[tag:bearer]]"))
            return try await server.observations(tag: "bearer")
        }
        #expect(seen.map { $0["authentication"] } == ["bearer"])
    }

    @Test(
        arguments: [
            ("AKIATEST", "another", nil, "InvalidSignatureException"), ("AKIANOBODY", "sekrit", nil, "UnrecognizedClientException"),
            ("AKIATEMP", "sekrit", nil, "UnrecognizedClientException"), ("AKIATEMP", "sekrit", "session", "none"),
            ("AKIADENIED", "sekrit", nil, "AccessDeniedException"), ("AKIATEMP", "sekrit", "expired-1", "ExpiredTokenException"),
        ] as [(String, String, String?, String)])
    func credentials_areCheckedByTheService(key: String, secret: String, token: String?, code: String) async throws {
        guard let server = try BedrockServer.shared() else { return }
        let error = try await onLoop { await server.client(BedrockServer.signature(key, secret, token: token)).events("Hello").error }
        #expect((error as? AWSServiceError)?.code ?? "none" == code)
        if code != "none" { #expect((error as? AWSServiceError)?.status == 403) }
    }

    @Test func otherProofs_areRefused() async throws {
        guard let server = try BedrockServer.shared() else { return }
        let errors = try await onLoop {
            [
                await server.client(.bearer { "another" }).events("Hello").error as? AWSServiceError,
                await server.client(.none).events("Hello").error as? AWSServiceError,
            ]
        }
        #expect(errors.map { $0?.code } == ["AccessDeniedException", "MissingAuthenticationTokenException"])
    }

    private actor Renewal: AWSCredentialProvider {
        private var isRenewed = false
        func credentials() async throws -> AWSCredentials {
            AWSCredentials(
                accessKeyID: "AKIATEMP", secretAccessKey: "sekrit", sessionToken: isRenewed ? "session" : "expired-1", origin: "the test")
        }
        func refused(_ credentials: AWSCredentials) async { isRenewed = true }
    }

    @Test func expiredCredentials_areRenewedOnce() async throws {
        guard let server = try BedrockServer.shared() else { return }
        let (text, seen) = try await onLoop {
            let result = await server.client(.signature(Renewal())).events("Hello [[tag:renewal]]")
            return (result.events.text, try await server.observations(tag: "renewal"))
        }
        #expect(text == "Hello")
        #expect(seen.map { $0["error"] } == ["ExpiredTokenException", .null])
    }

    /// An hour fast and an hour slow: the first request finds it out, the next is right at once.
    @Test(arguments: ["3600", "-3600"])
    func wrongClock_isCorrected(offset: String) async throws {
        guard try BedrockServer.isAvailable() else { return }
        let server = try BedrockServer(["--clock-offset", offset])
        defer { server.stop() }
        let seen = try await onLoop {
            let client = server.client()
            for _ in 0..<2 { #expect(await client.events("Hello [[tag:skew]]").events.text == "Hello") }
            return try await server.observations(tag: "skew")
        }
        #expect(seen.map { $0["error"] } == ["InvalidSignatureException", .null, .null])
    }

    // MARK: Again

    /// No answer, two refusals, then the answer: every operation may be repeated, also where it may have been executed.
    @Test(arguments: ["converse", "stream"])
    func failedRequest_isRepeatedByTheTransport(operation: String) async throws {
        guard let server = try BedrockServer.shared() else { return }
        let seen = try await onLoop {
            var settings = HTTPPolicySettings()
            settings.retry.attempts = 4
            settings.retry.base = .milliseconds(1)
            settings.retry.cap = .milliseconds(5)
            let client = server.client(transport: try ResilientTransport(HTTPClient(), settings: settings))
            let text = "Hello [[tag:again-\(operation)]] [[drop:1]] [[fail:ThrottlingException:1]] [[fail:InternalServerException:1]]"
            if operation == "stream" {
                let result = await client.events(text)
                #expect(result.error == nil)
                #expect(result.events.text == "Hello")
            } else {
                _ = try await client.converse(modelID: BedrockServer.model, BedrockServer.prompt(text))
            }
            return try await server.observations(tag: "again-\(operation)", outcome: "any", count: 4)
        }
        #expect(seen.map { $0["error"] } == [.null, "ThrottlingException", "InternalServerException", .null])
        #expect(seen.map { $0["outcome"] } == ["cut", "complete", "complete", "complete"])
    }
}
