import Glibc
import MillraceCore
import MillraceCounterparts
import Testing

@testable import MillraceCLI

@Suite struct NewCommandTests {
    @Test(arguments: [
        ("contract_review", "ContractReview", "contractReview", "contract-review", "Contract review"), ("faq", "Faq", "faq", "faq", "Faq"),
        ("a1_b2_", "A1B2", "a1B2", "a1-b2", "A1 b2"),
    ])
    func names_followTheHandlers(task: String, type: String, property: String, dashed: String, title: String) throws {
        let names = try ScaffoldNames(task)
        #expect([names.type, names.property, names.dashed, names.title] == [type, property, dashed, title])
        #expect(names.module == type + "Task" && names.program == dashed + "-server")
    }

    @Test(arguments: [
        "", "Chat", "1a", "_a", "a-b", "a/b", "..", "é", "a b", String(repeating: "a", count: 65), "chat", "rag_oss", "task", "server",
    ])
    func wrongName_isRefused(task: String) {
        #expect(throws: MillraceError.self) { _ = try ScaffoldNames(task) }
    }

    /// As the server derives them from the group of settings.
    @Test(arguments: [("contract_review", "CONTRACT_REVIEW"), ("review_2024", "REVIEW2024"), ("a1_b2_", "A1_B2")])
    func variable_isTheOneThatIsRead(task: String, variable: String) throws {
        #expect(try ScaffoldNames(task).variable == variable)
    }

    @Test func longestName_isTaken() throws {
        #expect(try ScaffoldNames(String(repeating: "a", count: 64)).task.count == 64)
    }

    @Test func template_keepsWhatIsNoName() throws {
        let names = try ScaffoldNames("faq")
        #expect(names.fill("a ‹type›‹task› ‹unknown› ‹ b", millrace: "") == "a Faqfaq ‹unknown› ‹ b")
        #expect(names.fill("‹millrace›|‹folder›", millrace: "../..", folder: "/x") == "../..|/x")
    }

    @Test(arguments: [
        ("/a/millrace", "/a/millrace/examples/faq", "../.."), ("/a/millrace", "/a/other/faq", "/a/millrace"), ("/", "/x", ".."),
        ("/a/mill", "/a/millrace/x", "/a/mill"),
    ])
    func clone_isNamedByTheWayUpWhereItHoldsThePackage(clone: String, folder: String, path: String) {
        #expect(NewCommand.path(to: clone, from: folder) == path)
    }

    @Test func everyFile_hasItsNamesFilled_andNothingIsOverwritten() throws {
        let directory = try TemporaryDirectory()
        var arguments = ParsedCommand()
        arguments.path = ["new"]
        arguments.arguments = ["faq"]
        arguments.flags = ["directory": [directory.path + "/made/here"], "millrace": [Counterpart.packageRoot]]
        let command = NewCommand(command: arguments, terminal: Terminal())
        #expect(try command.make().paths.count == Scaffold.files().count)
        for file in try Scaffold.files() {
            let path = try "\(directory.path)/made/here/faq/\(ScaffoldNames("faq").fill(file.path, millrace: ""))"
            let text = String(decoding: try BoundedFile.read(path, limit: 1 << 20), as: UTF8.self)
            #expect(!text.isEmpty && !text.contains("‹") && !path.contains("‹"))
            #expect((access(path, X_OK) == 0) == file.isProgram)
        }
        let error = #expect(throws: MillraceError.self) { try command.make() }
        #expect(error?.code == .conflict && error?.message.contains("nothing was written") == true)
    }
}
