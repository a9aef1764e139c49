import Millrace
import MillraceCore

extension Citation {
    /// A citation of the API's, in one of its kinds of location; `nil` for a kind that is not known.
    ///
    /// Source: <https://platform.claude.com/docs/en/build-with-claude/citations>. A location in a document gives its number among all
    /// document blocks of the request, from 0. One beyond the request's own is in something that the provider fetched.
    init?(messagesLocation json: JSONValue, documents: [MessagesRequest.Document]) {
        guard let kind = json["type"]?.string, let text = json["cited_text"]?.string else { return nil }
        switch kind {
        case "char_location", "page_location", "content_block_location":
            guard let index = json["document_index"]?.integer else { return nil }
            let title = json["document_title"]?.string
            if documents.indices.contains(index) {
                let document = documents[index]
                self.init(
                    documentID: document.id, text: text, documentTitle: document.title ?? title, documentPointer: document.pointer)
            } else {
                self.init(documentID: "document_\(index)", text: text, documentTitle: title)
            }
            // The first of the pages, from 1.
            if kind == "page_location" { page = json["start_page_number"]?.integer }
        case "web_search_result_location":
            guard let url = json["url"]?.string else { return nil }
            self.init(documentID: url, text: text, documentTitle: json["title"]?.string, documentPointer: url)
        case "search_result_location":
            guard let source = json["source"]?.string else { return nil }
            self.init(documentID: source, text: text, documentTitle: json["title"]?.string, documentPointer: source)
        default: return nil
        }
    }
}
