import MillraceAWS
import MillraceCore
import MillraceCounterparts
import MillraceHTTPClient
import Testing

/// What becomes of connections.
@Suite(.ownThreads) struct BedrockConnectionTests {
    @Test func connection_isReused() async throws {
        guard let server = try BedrockServer.shared() else { return }
        let seen = try await onLoop {
            let client = server.client()
            let tag = "[[tag:reuse]]"
            #expect(await client.events("one two \(tag)").error == nil)
            _ = try await client.converse(modelID: BedrockServer.model, BedrockServer.prompt("three \(tag)"))
            #expect(await client.events("four five \(tag) [[tiny]]").error == nil)
            _ = try await client.invokeModel(
                modelID: "amazon.titan-embed-text-v2:0", body: Array("{\"inputText\":\"\(tag)\"}".utf8))
            return try await server.observations(tag: "reuse", outcome: "complete", count: 4)
        }
        #expect(seen.count == 4)
        #expect(Set(seen.compactMap { $0["connection"]?.integer }).count == 1)
    }

    /// What is left of a response behind its exception is read all the same: the server ends it and does not find it closed.
    @Test func exceptionInTheStream_leavesTheConnection() async throws {
        guard let server = try BedrockServer.shared() else { return }
        let seen = try await onLoop {
            let text = "Hello [[tag:leaves]] [[linger:10]] [[stream-exception:throttlingException]]"
            #expect(await server.client().events(text).error is AWSServiceError)
            return try await server.observations(tag: "leaves", outcome: "any", count: 1)
        }
        #expect(seen.map { $0["outcome"] } == ["complete"])
    }

    /// The server says when it finds the connection closed; it would have gone on for two minutes, which is longer than the test waits for that.
    @Test(arguments: [
        ("first-token", "[[tokens:600]] [[delay:200]]"), ("stalled", "[[stall-after]]"), ("no-head", "[[stall]]"),
        ("slow-first", "[[first:120000]]"), ("slow-head", "[[head:120000]]"),
    ])
    func cancel_closesTheConnection(tag: String, directives: String) async throws {
        guard let server = try BedrockServer.shared() else { return }
        let (error, seen) = try await onLoop {
            let call = Task { await server.client().events("Hello there [[tag:cancel-\(tag)]] \(directives)").error }
            // It has arrived: the observation is made before the answer.
            #expect(try await server.observations(tag: "cancel-\(tag)", count: 1).count == 1)
            call.cancel()
            return (await call.value, try await server.observations(tag: "cancel-\(tag)", outcome: "closed", count: 1))
        }
        #expect(error is CancellationError)
        #expect(seen.count == 1)
    }

    private struct Enough: Error {}

    @Test func receiverThatThrows_closesTheConnection() async throws {
        guard let server = try BedrockServer.shared() else { return }
        let seen = try await onLoop {
            var count = 0
            await #expect(throws: Enough.self) {
                try await server.client().converseStream(
                    modelID: BedrockServer.model, BedrockServer.prompt("[[tokens:600]] [[delay:200]] [[tag:enough]]")
                ) { _ in
                    count += 1
                    if count == 3 { throw Enough() }
                }
            }
            return try await server.observations(tag: "enough", outcome: "closed", count: 1)
        }
        #expect(seen.count == 1)
    }

    @Test func modelThatDoesNotAnswer_isLeftAfterTheTimeForTheFirstByte() async throws {
        guard let server = try BedrockServer.shared() else { return }
        let (error, seen) = try await onLoop {
            let client = server.client(firstByte: .milliseconds(200))
            let error = await client.events("Hello [[stall]] [[tag:first-byte]]").error
            return (error, try await server.observations(tag: "first-byte", outcome: "closed", count: 1))
        }
        #expect((error as? MillraceError)?.code == .timeout)
        #expect((error as? MillraceError)?.isRetryable == true)
        #expect(seen.count == 1)
    }
}
