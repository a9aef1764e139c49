package import MillraceCore

/// An element of an XML document: its name without prefix, its text and its elements. Attributes are not kept.
///
/// It holds what AWS's XML protocols send (REST-XML and Query): elements, text, character references, CDATA. Documents with a document type
/// declaration are refused, so no entity can be declared.
package struct XMLElement: Equatable, Sendable {
    package let name: String
    /// The text directly within, references resolved; between elements it is white space.
    package internal(set) var text: String
    package internal(set) var children: [XMLElement]

    init(name: String, text: String = "", children: [XMLElement] = []) {
        self.name = name
        self.text = text
        self.children = children
    }

    /// Reads a document.
    /// - Throws: ``MillraceError`` with ``ErrorCode/invalidInput`` for what is not well-formed, too deep (64 levels), has more than 200,000 elements
    ///   or declares a type.
    package init(parsing bytes: [UInt8]) throws(MillraceError) {
        var parser = XMLParser(bytes)
        self = try parser.document()
    }

    /// The first element within of that name.
    package func first(_ name: String) -> XMLElement? { children.first { $0.name == name } }
    /// All elements within of that name, in order.
    package func all(_ name: String) -> [XMLElement] { children.filter { $0.name == name } }
    /// The text of the element at a path of names, such as `AssumeRoleResult`, `Credentials`, `SessionToken`.
    package func text(_ path: String...) -> String? {
        var element: XMLElement? = self
        for name in path { element = element?.first(name) }
        return element?.text
    }
}

/// The text as it stands in an element's content or in a quoted attribute's value.
package enum XMLText {
    package static func escape(_ text: String) -> String {
        var out = ""
        out.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case "\"": out += "&quot;"
            case "\r", "\n", "\t": out += "&#\(scalar.value);"
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }
}
