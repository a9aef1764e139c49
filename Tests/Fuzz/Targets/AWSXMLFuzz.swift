import MillraceCore
import MillraceHTTPClient

@testable import MillraceAWS

extension FuzzTarget {
    /// AWS's XML: what is read, written again, is read as the same; any text survives; refusals are read whatever they hold.
    static let awsXML = FuzzTarget("aws-xml") { (bytes) throws(Disagreement) in
        if let element = try? XMLElement(parsing: bytes) {
            let written = write(element)
            guard let again = try? XMLElement(parsing: Array(written.utf8)) else {
                throw Disagreement("what was written is refused: \(written)")
            }
            try expectEqual(again, element, "a document, read and written")
        }
        let text = String(decoding: bytes, as: UTF8.self)
        if !text.unicodeScalars.contains("\0") {
            let document = Array("<a><b>\(XMLText.escape(text))</b></a>".utf8)
            try expectEqual(
                (try? XMLElement(parsing: document))?.text("b").map { Array($0.utf8) }, Array(text.utf8), "a text in a document")
        }
        for status in [400, 503] {
            _ = AWSErrorBody(status: status, headers: HTTPClientHeaders([.init("x-amzn-ErrorType", text)]), body: bytes).error(service: "s")
            _ = AWSErrorBody(status: status, headers: [:], body: bytes).error(service: "s")
        }
    }

    private static func write(_ element: XMLElement) -> String {
        "<\(element.name)>\(XMLText.escape(element.text))\(element.children.map { write($0) }.joined())</\(element.name)>"
    }
}
