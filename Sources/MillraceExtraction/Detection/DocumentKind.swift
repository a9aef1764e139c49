/// What a document is; the names are those of the output.
enum DocumentKind: String, Sendable, CaseIterable {
    case pdf, docx, xlsx, pptx, html, markdown, csv, text

    /// What a client may have called it: a media type, or the ending of its name.
    init?(declared: String) {
        let name = declared.lowercased().prefix { $0 != ";" }.split(separator: " ").first.map(String.init) ?? ""
        switch name {
        case "application/pdf", "application/x-pdf", "pdf": self = .pdf
        case "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx", "docm", "dotx": self = .docx
        case "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx", "xlsm", "xltx": self = .xlsx
        case "application/vnd.openxmlformats-officedocument.presentationml.presentation", "pptx", "pptm", "potx", "ppsx": self = .pptx
        case "text/html", "application/xhtml+xml", "html", "htm", "xhtml": self = .html
        case "text/markdown", "text/x-markdown", "md", "markdown": self = .markdown
        case "text/csv", "text/tab-separated-values", "application/csv", "csv", "tsv", "tab": self = .csv
        case "text/plain", "txt", "text", "log": self = .text
        default: return nil
        }
    }

    /// Whether these are kinds of text that only look different to people.
    var isPlain: Bool { self == .markdown || self == .csv || self == .text }
}
