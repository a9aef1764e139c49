import CCurl
import MillraceCore

/// libcurl's global state, made once, and facts about the library.
package enum CurlLibrary {
    static let isReady: Bool = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    /// The version of libcurl that runs, such as `7.88.1`.
    package static var version: String {
        curl_version_info(CURLVERSION_FIRST).flatMap { $0.pointee.version }.map { String(cString: $0) } ?? "unknown"
    }
}

/// A transfer's handle. This value alone cleans it up.
struct CurlEasyHandle: ~Copyable {
    let raw: UnsafeMutableRawPointer

    init() throws(MillraceError) {
        guard CurlLibrary.isReady, let raw = curl_easy_init() else { throw MillraceError(.system, "libcurl cannot be started") }
        self.raw = raw
    }

    deinit { curl_easy_cleanup(raw) }

    var options: CurlOptions { CurlOptions(raw) }
}

/// A handle that drives transfers. This value alone cleans it up, after its transfers were removed.
struct CurlMultiHandle: ~Copyable {
    let raw: UnsafeMutableRawPointer

    init() throws(MillraceError) {
        guard CurlLibrary.isReady, let raw = curl_multi_init() else { throw MillraceError(.system, "libcurl cannot be started") }
        self.raw = raw
    }

    deinit { curl_multi_cleanup(raw) }
}

/// A list of header lines, which must outlive the transfer that uses it.
struct CurlHeaderList: ~Copyable {
    private(set) var raw: UnsafeMutablePointer<curl_slist>?

    init(_ headers: [CurlRequest.Header]) throws(MillraceError) {
        raw = nil
        for header in headers {
            let line = "\(header.name): \(header.value)"
            // A line break would smuggle in a header of somebody else's choice.
            guard !line.utf8.contains(where: { $0 == 0 || $0 == 10 || $0 == 13 }) else {
                throw MillraceError(.invalidInput, "the header \(header.name) holds a line break or a NUL byte")
            }
            guard let longer = curl_slist_append(raw, line) else { throw MillraceError(.system, "no memory for the header \(header.name)") }
            raw = longer
        }
    }

    deinit { curl_slist_free_all(raw) }
}
