import MillraceCore
import MillraceServer
import Testing

@testable import MillraceCLI

@Suite struct SecretsCommandTests {
    @Test(arguments: [
        ("v", "v", "v"), ("v\n", "v", "v\n"), ("v\r\n", "v", "v\r\n"), ("v\n\n", "v\n", "v\n\n"), ("a\nb\n", "a\nb", "a\nb\n"),
        ("\n", "", "\n"), ("", "", ""), ("v\r", "v\r", "v\r"), ("ü\n", "ü", "ü\n"),
    ])
    func input_losesOneLineBreakAtItsEnd(_ input: String, _ value: String, _ exact: String) throws {
        #expect(try Array(SecretsCommand.text(Array(input.utf8), isExact: false, of: "k").utf8) == Array(value.utf8))
        #expect(try Array(SecretsCommand.text(Array(input.utf8), isExact: true, of: "k").utf8) == Array(exact.utf8))
    }

    @Test func input_thatIsNoText_isRefusedWithoutBeingShown() {
        #expect { try SecretsCommand.text(Array("geheim".utf8) + [0xFF], isExact: false, of: "k") } throws: { error in
            (error as? MillraceError)?.code == .invalidInput && !"\(error)".contains("geheim")
        }
    }

    @Test func table_hasAlignedColumnsOrJSON() {
        let entries = [
            SecretAdministration.Entry(name: "app/key", changedAt: Timestamp(microseconds: 0), version: "v_1"),
            SecretAdministration.Entry(name: "b", changedAt: nil, version: nil),
        ]
        #expect(
            SecretsCommand.table(entries, isJSON: false) == """
                name     changed_at                   version
                app/key  1970-01-01T00:00:00.000000Z  v_1
                b        -                            -

                """)
        #expect(SecretsCommand.table([entries[1]], isJSON: true) == #"{"changed_at":null,"name":"b","version":null}"# + "\n")
        #expect(SecretsCommand.table([], isJSON: false) == "no secrets\n")
        #expect(SecretsCommand.table([], isJSON: true) == "")
    }
}
