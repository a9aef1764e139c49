import MillraceCounterparts
import Testing

@Suite(.ownThreads) struct CounterpartTests {
    @Test func process_ofAProgramThatSpeaksAndStays_isHeardAndEnds() throws {
        let process = try CounterpartProcess(["/bin/sh", "-c", "echo ready; exec sleep 600"])
        #expect(try process.waitForLine { $0 == "ready" } == "ready")
        process.stop()
    }
}
