import Testing

@testable import MillraceServer

@Suite struct DotEnvFileTests {
    @Test(arguments: [
        ("A=1", ["A": "1"]), ("  A = 1  ", ["A": "1"]), ("export A=1\r\nB=2\r\n", ["A": "1", "B": "2"]), ("# A=1\n\nB=", ["B": ""]),
        ("A=x y # c", ["A": "x y"]), ("A=x#y", ["A": "x#y"]), ("A=# c", ["A": ""]), ("A='a # $B \\n'", ["A": "a # $B \\n"]),
        ("A=\"a\\n\\t\\\"\\\\\\$B\\q\" # c", ["A": "a\n\t\"\\$B\\q"]), ("A=\"one\ntwo\"\nB=3", ["A": "one\ntwo", "B": "3"]),
        ("A=1\nA=2", ["A": "2"]), ("\u{FEFF}A=1", ["A": "1"]), ("A=$HOME", ["A": "$HOME"]), ("A==", ["A": "="]), ("", [:]),
    ])
    func text_isRead(text: String, values: [String: String]) {
        let file = DotEnvFile(parsing: text)
        #expect(file.byName.mapValues(\.value) == values)
        #expect(file.faults.isEmpty)
    }

    @Test(arguments: [("A=1\nnope\nB=2", 2), ("\n1A=1", 2), ("A B=1", 1), ("=1", 1), ("\n\nA=\"x", 3), ("A='x' y", 1), ("A=\"x\n\" y", 2)])
    func fault_hasItsLine(text: String, line: Int) {
        #expect(DotEnvFile(parsing: text).faults.map(\.line) == [line])
    }

    @Test func entry_hasItsLineAfterAValueThatSpansLines() {
        #expect(DotEnvFile(parsing: "A='x\ny\nz'\nB=2").entries.map(\.line) == [1, 4])
    }
}
