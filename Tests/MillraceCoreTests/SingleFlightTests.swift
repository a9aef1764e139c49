import MillraceCore
import Testing

@Suite(.timeLimit(.minutes(2))) struct SingleFlightTests {
    private struct Failure: Error {}

    @Test func attempts_oneAfterTheOther_areMadeEachTime() async throws {
        let flights = SingleFlight<String, Int>()
        #expect(try await flights.run("a") { 1 } == 1)
        #expect(try await flights.run("a") { 2 } == 2)
        await #expect(throws: Failure.self) { try await flights.run("a") { throw Failure() } }
        #expect(try await flights.run("a") { 3 } == 3)
    }

    @Test(arguments: [true, false]) func callers_whileOneMakes_shareItsResult(_ fails: Bool) async throws {
        let flights = SingleFlight<String, Int>()
        let (arrivals, arrival) = AsyncStream<Void>.makeStream()
        let (permits, permit) = AsyncStream<Void>.makeStream()
        @Sendable func call(_ value: Int) async throws -> Int {
            try await flights.run("a") {
                arrival.yield()
                for await _ in permits { break }
                if fails { throw Failure() }
                return value
            }
        }
        let first = Task { try await call(1) }
        for await _ in arrivals { break }
        let others = (2...9).map { number in Task { try await call(number) } }
        while flights.waiting < 8 { await Task.yield() }
        // One that is cancelled leaves alone.
        others[0].cancel()
        await #expect(throws: CancellationError.self) { try await others[0].value }
        permit.yield()
        for task in [first] + others.dropFirst() {
            switch await task.result {
            case .success(let value): #expect(value == 1 && !fails)
            case .failure(let error): #expect(error is Failure && fails)
            }
        }
        #expect(flights.waiting == 0)
    }

    @Test func maker_thatIsCancelled_isFollowedByAWaiter() async throws {
        let flights = SingleFlight<String, Int>()
        let (arrivals, arrival) = AsyncStream<Void>.makeStream()
        let first = Task {
            try await flights.run("a") {
                arrival.yield()
                // Ends when the task is cancelled.
                for await _ in AsyncStream<Void>.makeStream().stream {}
                try Task.checkCancellation()
                return 1
            }
        }
        for await _ in arrivals { break }
        let second = Task { try await flights.run("a") { 2 } }
        while flights.waiting < 1 { await Task.yield() }
        first.cancel()
        #expect(try await second.value == 2)
        await #expect(throws: CancellationError.self) { try await first.value }
    }
}
