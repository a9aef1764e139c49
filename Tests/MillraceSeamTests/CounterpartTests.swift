import Glibc
import MillraceCounterparts
import Testing

@Suite(.ownThreads) struct CounterpartTests {
    @Test func process_ofAProgramThatSpeaksAndStays_isHeardAndEnds() throws {
        let process = try CounterpartProcess(["/bin/sh", "-c", "echo ready; exec sleep 600"])
        #expect(try process.waitForLine { $0 == "ready" } == "ready")
        process.stop()
    }

    /// As a timeout or a terminal does: the whole group of the tests is killed, with no time to end anything.
    @Test func groupOfTheTestsIsKilled_theProgramEndsToo() async throws {
        let directory = try TemporaryDirectory()
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = directory.path as String] in
            setpgid(0, 0)
            // Without what this process has from the test's, which would wait for its end.
            let program =
                "for f in /proc/$$/fd/*; do n=${f##*/}; [ $n -le 2 ] || eval \"exec $n>&-\"; done; "
                + "echo $$ > \(path)/number; echo ready; exec sleep 600"
            let process = try CounterpartProcess(["/bin/bash", "-c", program])
            _ = try process.waitForLine { $0 == "ready" }
            kill(0, SIGKILL)
        }
        let file = try #require(fopen(directory.path + "/number", "r"))
        defer { fclose(file) }
        var text = [UInt8](repeating: 0, count: 32)
        let count = fread(&text, 1, text.count, file)
        let number = Int32(String(decoding: text[..<count], as: UTF8.self).prefix { $0.isNumber }) ?? 0
        try #require(number > 1)
        // Whoever notices that the tests have gone takes a moment; nothing tells us when.
        for _ in 0..<1000 where kill(number, 0) == 0 { usleep(20_000) }
        let isGone = kill(number, 0) != 0
        #expect(isGone, "\(number) runs on")
        if !isGone { kill(number, SIGKILL) }
    }
}
