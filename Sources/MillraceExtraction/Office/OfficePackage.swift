import MillraceCore

/// The parts of an Office document (Open Packaging Conventions, ECMA-376 part 2) and how they point at each other.
final class OfficePackage {
    let archive: ZipArchive

    struct Relationship {
        let id: String
        /// The last part of its type's name, such as `slide`.
        let kind: String
        /// The name of the part.
        let target: String
    }

    /// The most relationships of one part.
    private static let mostRelationships = 50_000

    init(_ archive: ZipArchive) { self.archive = archive }

    /// Gives a part's events.
    /// - Returns: whether there is such a part.
    @discardableResult
    func parse(_ part: String, _ take: (XMLPullParser.Event) throws(MillraceError) -> Void) throws(MillraceError) -> Bool {
        var parser = XMLPullParser()
        let found = try archive.read(part) { (bytes) throws(MillraceError) in
            parser.receive(bytes)
            while let event = try parser.next() { try take(event) }
        }
        guard found else { return false }
        parser.finish()
        while let event = try parser.next() { try take(event) }
        return true
    }

    /// The main part and what it is, `docx`, `xlsx` or `pptx`; `nil`: this is no Office document.
    func main() throws(MillraceError) -> (part: String, type: DocumentKind)? {
        guard archive.contains("[Content_Types].xml") else { return nil }
        let target = try relationships(of: "").first { $0.kind == "officeDocument" }?.target
        var contentType = ""
        try parse("[Content_Types].xml") { (event) throws(MillraceError) in
            guard case .start(let tag) = event, tag.name == "Override", let target else { return }
            if tag["PartName"]?.dropFirst() == target[...] { contentType = tag["ContentType"] ?? "" }
        }
        guard let target else { return nil }
        if contentType.contains("sheet.binary") { return nil }
        let path = target.lowercased()
        let isWord = contentType.contains("wordprocessingml") || contentType.contains("ms-word")
        let isExcel = contentType.contains("spreadsheetml") || contentType.contains("ms-excel")
        let isPowerPoint = contentType.contains("presentationml") || contentType.contains("ms-powerpoint")
        if isWord || path == "word/document.xml" { return (target, .docx) }
        if isExcel || path == "xl/workbook.xml" { return (target, .xlsx) }
        if isPowerPoint || path == "ppt/presentation.xml" { return (target, .pptx) }
        return nil
    }

    /// What a part points at within the document; "" is the document itself.
    func relationships(of part: String) throws(MillraceError) -> [Relationship] {
        let folder = part.lastIndex(of: "/").map { String(part[...$0]) } ?? ""
        let name = part.dropFirst(folder.count)
        var found: [Relationship] = []
        try parse("\(folder)_rels/\(name).rels") { (event) throws(MillraceError) in
            guard case .start(let tag) = event, tag.name == "Relationship", tag["TargetMode"] != "External", let id = tag["Id"],
                let target = tag["Target"]
            else { return }
            guard found.count < Self.mostRelationships else {
                throw MillraceError(.documentTooLarge, "a part of the document points at more than \(Self.mostRelationships) others")
            }
            let kind = tag["Type"]?.split(separator: "/").last.map(String.init) ?? ""
            found.append(Relationship(id: id, kind: kind, target: Self.resolve(target, folder)))
        }
        return found
    }

    /// A part's name out of a reference that is relative to a folder.
    static func resolve(_ target: String, _ folder: String) -> String {
        var parts: [Substring] = target.hasPrefix("/") ? [] : folder.split(separator: "/")
        for part in target.split(separator: "/") {
            switch part {
            case ".": break
            case "..": if !parts.isEmpty { parts.removeLast() }
            default: parts.append(part)
            }
        }
        return parts.joined(separator: "/")
    }

    /// The title that the document gives itself.
    func title() throws(MillraceError) -> String? {
        guard let part = try relationships(of: "").first(where: { $0.kind == "core-properties" })?.target else { return nil }
        var text: [UInt8] = []
        var isTitle = false
        try parse(part) { (event) throws(MillraceError) in
            switch event {
            case .start(let tag): isTitle = tag.name == "title"
            case .end: isTitle = false
            case .text(let bytes): if isTitle, text.count < 1024 { text += bytes.prefix(1024) }
            }
        }
        let line = TableRow.collapsed(text)
        return line.isEmpty ? nil : String(decoding: line, as: UTF8.self)
    }
}
