import Millrace
import MillraceBackends
import MillraceCore
import Testing

@testable import MillraceTaskHandlers

@Suite struct RagOssSettingsTests {
    /// Every setting has a row in the document with its default and its range.
    @Test func settings_areInTheDocument() throws {
        let folder = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4).joined(separator: "/")
        let document = String(decoding: try BoundedFile.read("\(folder)/Docs/rag.md", limit: 1 << 20), as: UTF8.self)
        let rows = document.split(whereSeparator: \.isNewline)
        for field in HandlerSettingsGroup(RagOssSettings.self).fields {
            guard let row = rows.first(where: { $0.hasPrefix("| `\(field.name)` |") }) else {
                Issue.record("\(field.name) has no row")
                continue
            }
            #expect(
                row.contains("| \(field.defaultText) |") || row.contains("| `\(field.defaultText)` |") || field.defaultText.isEmpty,
                "\(row)")
            switch field.kind {
            case .integer(let range): #expect(row.contains("\(range.lowerBound) to \(range.upperBound)"), "\(row)")
            case .number(let range): #expect(row.contains("\(Int(range.lowerBound)) to \(Int(range.upperBound))"), "\(row)")
            case .choice(let names): for name in names { #expect(row.contains("`\(name)`"), "\(row)") }
            default: break
            }
        }
    }

    @Test(arguments: ["", "Rag", "1a", "a b", "a/b", "_a", "content-words é", String(repeating: "a", count: 129)])
    func nameThatNoIndexHas_isRefused(name: String) {
        #expect(HandlerSettingsGroup(RagOssSettings.self).fields.first { $0.name == "collection" }?.check(name) != nil)
    }

    @Test func settings_shapeTheRequest() {
        var settings = RagOssSettings()
        settings.fusion = .normalized
        settings.semanticWeight = 0.25
        settings.metadata = ["a=b=c"]
        settings.topK = 5
        let request = settings.request(SearchPlan(keywordQueries: ["x", "y"], semanticQuery: "z"), joinsNeighbours: false)
        #expect(request.fusion == .normalized(textWeight: 0.75, vectorWeight: 0.25) && request.limit == 5)
        #expect(request.keywordQueries == ["x", "y"] && request.semanticQuery == "z" && !request.joinsNeighbours)
        #expect(request.filter == .all([.equals("metadata", "a=b=c")]))
    }

    @Test func wrongMetadata_isAProblem() {
        var settings = RagOssSettings()
        settings.metadata = ["product=x100", "x100"]
        #expect(settings.problems() == ["ragOssConfig.metadata: 'x100' is not name=value"])
    }
}
