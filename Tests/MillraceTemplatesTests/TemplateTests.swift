import MillraceCore
import MillraceTemplates
import Testing

@Suite struct TemplateTests {
    @Test func variable_isPrinted() throws {
        #expect(try Template("Hello {{ name }}!").render(["name": "World"]) == "Hello World!")
    }
}
