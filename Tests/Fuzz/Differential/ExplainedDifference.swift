/// Why our parser and llhttp may part ways, by what the one that refuses says. What is not here is a finding.
enum ExplainedDifference {
    typealias Reading = LlhttpDifferentialTests.Reading

    /// What only ours refuses: by the beginning of its reason, and why.
    static let ours = [
        // RFC 9112, section 3.2: a server MUST answer 400 to an HTTP/1.1 request without Host, with two, or with an invalid one.
        "400 HTTP/1.1 needs a Host header": "RFC 9112, 3.2",
        "400 the Host header is repeated": "RFC 9112, 3.2",
        "400 the Host header is not a valid host": "RFC 9112, 3.2",
        // Section 3.2 has four forms of a target, in the letters of RFC 3986; section 3 lets a server refuse what is none.
        "400 the request target is missing": "RFC 9112, 3.2",
        "400 the request target is neither a path nor an http or https URL": "RFC 9112, 3.2.2",
        "400 the target's authority is not a valid host": "RFC 9110, 4.2.1",
        "400 the target of CONNECT must be host:port": "RFC 9112, 3.2.3",
        "400 the target * is for OPTIONS only": "RFC 9112, 3.2.4",
        "400 the request target holds a fragment": "RFC 9112, 3.2",
        "400 the request target holds a character that must be percent-encoded": "RFC 3986, 2.2",
        "400 the request target holds a character that is not printable ASCII": "RFC 3986, 2",
        "400 the request target holds a bad percent-encoding": "RFC 3986, 2.1",
        "400 the request target's percent-encoding is not UTF-8": "ours: two readers would see two paths",
        "400 the request target holds an encoded NUL": "ours: two readers would see two paths",
        "400 the path holds an encoded control character": "ours: two readers would see two paths",
        "400 the path holds a .. segment": "ours: two readers would see two paths (RFC 3986, 5.2.4)",
        // llhttp still reads the request line of HTTP/0.9, and more than one space before the version's.
        "400 the request line has no HTTP version": "RFC 9112, 3",
        "400 the HTTP version is malformed": "RFC 9112, 2.3",
        "505 this server speaks HTTP/1.0 and HTTP/1.1": "RFC 9110, 15.6.6",
        // llhttp skips any line ends before a request, and a request line may end in LF alone (section 2.2: a recipient MAY).
        "400 a line ends in LF without CR": "RFC 9112, 2.2",
        "400 a CR is not followed by LF": "RFC 9112, 2.2",
        "400 there are too many empty lines before the request": "RFC 9112, 2.2",
        // Framing, where ours knows less and refuses more.
        "400 HTTP/1.0 has no Transfer-Encoding": "RFC 9112, 6.1",
        "400 Transfer-Encoding is malformed": "RFC 9112, 6.1",
        "400 the Transfer-Encoding header is repeated": "RFC 9112, 6.1",
        "400 chunked must be the last transfer coding, once": "RFC 9112, 6.3",
        "501 the only transfer coding that this server knows is chunked": "RFC 9112, 6.1",
        "400 Content-Length is too large to represent": "RFC 9110, 8.6",
        "413 the body is too large": "a limit (RFC 9110, 15.5.14)",
        "400 a chunk size has more than 16 digits": "RFC 9112, 7.1",
        "400 a chunk size is too large to represent": "RFC 9112, 7.1",
        "400 the line of a chunk size is too long": "a limit (RFC 9112, 7.1.1)",
        "400 there are too many chunk extensions": "a limit (RFC 9112, 7.1.1)",
        "400 a trailer must not name the message's framing or host": "RFC 9110, 6.5.1",
        "417 the only expectation that this server meets is 100-continue": "RFC 9110, 10.1.1",
    ]

    /// What only llhttp refuses.
    static let llhttp = [
        // It knows the methods of IANA's registry; here the router answers for an unknown one, with 405 or 404.
        "HttpParserInvalidMethodError: Invalid method encountered": "RFC 9110, 9.1",
        "HttpParserInvalidMethodError: Expected space after method": "RFC 9110, 9.1",
        "HttpParserError: Invalid method for HTTP/x.x request": "RFC 9110, 9.1",
        // Ours hands the request on with `keepAlive` false, and the connection reads no further.
        "HttpParserError: Data after `Connection: close`": "RFC 9112, 9.6",
        // A tab is white space around a value; llhttp does not cut it off behind `chunked`. Ours takes no other coding.
        "HttpParserError: Request has invalid `Transfer-Encoding`": "RFC 9110, 5.6.3",
        // A recipient ignores extensions that it does not know; ours looks for controls in them and for nothing else.
        "HttpParserError: Invalid character in chunk extensions name": "RFC 9112, 7.1.1",
        "HttpParserError: Invalid character in chunk extensions value": "RFC 9112, 7.1.1",
        "HttpParserError: Invalid character in chunk extensions quoted value": "RFC 9112, 7.1.1",
        "HttpParserError: Invalid quoted-pair in chunk extensions quoted value": "RFC 9112, 7.1.1",
        "HttpParserError: Invalid character in chunk extensions": "RFC 9112, 7.1.1",
        "HttpParserError: Invalid character in chunk parameters": "RFC 9112, 7.1.1",
    ]

    /// What the difference is, or `the same`; `nil`: nothing explains it.
    /// - Parameter ended: our reading of the same bytes with the line's end and an empty line behind them.
    static func of(_ ours: Reading, _ theirs: Reading, ended: @autoclosure () throws -> Reading) rethrows -> String? {
        let theirs = whereCloseCounts(theirs)
        // llhttp takes CONNECT for complete at its head, as the way into a tunnel; here it is a request without a route (RFC 9110, 9.3.6).
        if theirs.refusal == "upgrade", let last = theirs.requests.last {
            let all = ours.requests + [ours.open].compactMap(\.self)
            let before = theirs.requests.dropLast()
            if all.count > before.count, all[..<before.count] == before {
                return all[before.count].method == "CONNECT" && all[before.count].headers == last.headers
                    ? "CONNECT (RFC 9110, 9.3.6)" : nil
            }
        }
        let count = min(ours.requests.count, theirs.requests.count)
        guard ours.requests[..<count] == theirs.requests[..<count] else { return nil }
        if ours.requests.count == theirs.requests.count {
            if ours.refusal != nil, theirs.refusal != nil { return "the same" }
            // Where both go on, the request that is under way is the same as well.
            if ours.refusal == nil, theirs.refusal == nil { return ours.open == theirs.open ? "the same" : nil }
        }
        if let refusal = ours.refusal, ours.requests.count <= theirs.requests.count { return explanation(refusal) }
        guard let refusal = theirs.refusal, theirs.requests.count <= ours.requests.count else { return nil }
        if let section = llhttp[refusal] { return "only llhttp: \(refusal) (\(section))" }
        // It looks at each byte, ours at whole lines: a line that is wrong and not complete.
        if ours.refusal == nil, ours.requests.count == theirs.requests.count, try ended().refusal != nil {
            return "refused before the line's end"
        }
        return nil
    }

    /// HTTP/1.0 with both `close` and `keep-alive`: the former counts (RFC 9112, section 9.3), for llhttp the latter.
    private static func whereCloseCounts(_ reading: Reading) -> Reading {
        var reading = reading
        for index in reading.requests.indices where reading.requests[index].version == "1.0" {
            let fields = reading.requests[index].headers.filter { $0.first?.lowercased() == "connection" }
            let values: [String] = fields.compactMap { $0.last }
            let words: [String] = values.joined(separator: ",").lowercased().split(separator: ",").map { word in
                String(word.filter { $0 != " " && $0 != "\t" })
            }
            if words.contains("close") { reading.requests[index].keepsAlive = false }
        }
        return reading
    }

    private static func explanation(_ refusal: String) -> String? { ours[refusal].map { "only ours: \(refusal) (\($0))" } }
}
