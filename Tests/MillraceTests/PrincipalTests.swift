import Millrace
import MillraceCore
import Testing

@Suite struct PrincipalTests {
    /// The empty owner is nobody's: a store marks with it what it is about to remove.
    @Test func emptyName_isRefused() throws {
        do throws(MillraceError) {
            _ = try Principal(id: "")
            Issue.record("it was taken")
        } catch {
            #expect(error.code == .invalidInput && error.message.contains("must have a name"))
        }
        #expect(throws: MillraceError.self) { try Principal(id: "system") }
        #expect(try Principal(id: "local") == .local)
        #expect(try Principal(id: " ").description == " ")
    }
}
