import MillraceAWS
import MillraceCore
import MillraceCounterparts
import MillraceHTTPClient
import Testing

/// What becomes of connections.
@Suite struct BedrockConnectionTests {
    @Test func connection_isReusedAfterEachKindOfEnd() async throws {
        guard let server = try BedrockServer.shared() else { return }
        let seen = try await onLoop {
            let client = server.client()
            let tag = "[[tag:reuse]]"
            #expect(await client.events("one two \(tag)").error == nil)
            _ = try await client.converse(modelID: BedrockServer.model, BedrockServer.prompt("three \(tag)"))
            #expect(await client.events("four five \(tag) [[stream-exception-after:throttlingException]]").error != nil)
            // What is left of the exception's response is read behind its reader's back: this ends behind that.
            _ = try await server.observations(tag: "reuse", outcome: "complete", count: 3)
            #expect(await client.events("six \(tag) [[fail:AccessDeniedException]]").error != nil)
            _ = try await server.observations(tag: "reuse", outcome: "complete", count: 4)
            #expect(await client.events("seven \(tag) [[tiny]]").error == nil)
            return try await server.observations(tag: "reuse", outcome: "complete", count: 5)
        }
        #expect(seen.count == 5)
        #expect(Set(seen.compactMap { $0["connection"]?.integer }).count == 1)
    }

    /// The server says when it finds the connection closed; it would have streamed for half a minute.
    @Test(arguments: [
        ("first-token", "[[tokens:600]] [[delay:50]]"), ("stalled", "[[stall-after]]"), ("no-head", "[[stall]]"),
        ("slow-first", "[[first:30000]]"), ("slow-head", "[[head:30000]]"),
    ])
    func cancel_closesTheConnection(tag: String, directives: String) async throws {
        guard let server = try BedrockServer.shared() else { return }
        let started = ContinuousClock.now
        let (error, seen) = try await onLoop {
            let call = Task { await server.client().events("Hello there [[tag:cancel-\(tag)]] \(directives)").error }
            // It has arrived: the observation is made before the answer.
            while try await server.observations(tag: "cancel-\(tag)", count: 1).isEmpty {}
            call.cancel()
            return (await call.value, try await server.observations(tag: "cancel-\(tag)", outcome: "closed", count: 1))
        }
        #expect(error is CancellationError)
        #expect(seen.count == 1)
        #expect(ContinuousClock.now - started < .seconds(10))
    }

    private struct Enough: Error {}

    @Test func receiverThatThrows_closesTheConnection() async throws {
        guard let server = try BedrockServer.shared() else { return }
        let seen = try await onLoop {
            var count = 0
            await #expect(throws: Enough.self) {
                try await server.client().converseStream(
                    modelID: BedrockServer.model, BedrockServer.prompt("[[tokens:600]] [[delay:50]] [[tag:enough]]")
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
