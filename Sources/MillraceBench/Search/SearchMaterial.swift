import Millrace
import MillraceCore

/// Passages or queries out of a file with a JSON object on each line: `id`, `text`, for passages `title` and `section` (a list), and
/// `vector` where somebody else has embedded the text.
struct SearchMaterial: Sendable {
    var id: String
    var text: String
    var title: String
    var section: [String]
    var vector: [Float]?

    /// All that the text says of itself.
    var whole: String { ([title] + section + [text]).filter { !$0.isEmpty }.joined(separator: "\n") }

    static func read(_ path: String) throws(MillraceError) -> [SearchMaterial] {
        guard let text = Files.read(path) else { throw MillraceError(.notFound, "cannot read \(path)") }
        var found: [SearchMaterial] = []
        for line in text.utf8.split(separator: UInt8(ascii: "\n")) {
            let value = try JSONValue(parsing: Array(line))
            guard let id = value["id"]?.string, let text = value["text"]?.string else {
                throw MillraceError(.invalidInput, "\(path): line \(found.count + 1) has no 'id' or no 'text'")
            }
            found.append(
                SearchMaterial(
                    id: id, text: text, title: value["title"]?.string ?? "", section: value["section"]?.array?.compactMap(\.string) ?? [],
                    vector: value["vector"]?.array?.compactMap(\.double).map { Float($0) }))
        }
        return found
    }
}
