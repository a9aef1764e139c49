import MillraceCore

/// Which paragraph styles of a text document are headings (ECMA-376 part 1, section 17.7).
struct DocxStyles {
    private struct Style {
        var level: Int?
        var base: String?
    }
    private var styles: [String: Style] = [:]
    private static let most = 20_000

    init() {}

    /// Reads the styles' part.
    init(_ package: OfficePackage, _ part: String) throws(MillraceError) {
        var id: String?
        var style = Style()
        try package.parse(part) { (event) throws(MillraceError) in
            switch event {
            case .start(let tag):
                switch tag.name {
                case "style":
                    id = tag["styleId"]
                    style = Style()
                case "name": if let name = tag["val"], style.level == nil { style.level = Self.level(ofName: name) }
                case "basedOn": style.base = tag["val"]
                // From 0; 9 is running text.
                case "outlineLvl": if let level = tag["val"].flatMap({ Int($0) }), (0...8).contains(level) { style.level = level + 1 }
                default: break
                }
            case .end("style"):
                if let id, styles.count < Self.most { styles[id] = style }
                id = nil
            default: break
            }
        }
    }

    /// The level of a heading, from 1; `nil`: the style is no heading's.
    func level(_ id: String) -> Int? {
        var next: String? = id
        // A style may be based on itself.
        for _ in 0..<16 {
            guard let current = next, let style = styles[current] else { return nil }
            if let level = style.level { return level }
            next = style.base
        }
        return nil
    }

    private static func level(ofName name: String) -> Int? {
        let name = name.lowercased()
        if name == "title" { return 1 }
        guard name.hasPrefix("heading "), let level = Int(name.dropFirst(8)), (1...9).contains(level) else { return nil }
        return level
    }
}
