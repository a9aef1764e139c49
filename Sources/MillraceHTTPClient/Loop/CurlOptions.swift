import CCurl
import MillraceCore

/// Sets the options of a transfer whose handle somebody else owns.
struct CurlOptions {
    let easy: UnsafeMutableRawPointer

    init(_ easy: UnsafeMutableRawPointer) { self.easy = easy }

    func set(_ option: CURLoption, _ value: Int) throws(MillraceError) { try check(ccurl_set_long(easy, option, value), option) }

    /// libcurl copies the text.
    func set(_ option: CURLoption, _ value: String) throws(MillraceError) {
        if value.utf8.contains(0) { throw MillraceError(.invalidInput, "a request cannot hold a NUL byte") }
        try check(ccurl_set_string(easy, option, value), option)
    }

    func set(_ option: CURLoption, _ value: UnsafeMutableRawPointer?) throws(MillraceError) {
        try check(ccurl_set_pointer(easy, option, value), option)
    }

    func set(_ option: CURLoption, _ value: ccurl_data_callback) throws(MillraceError) {
        try check(ccurl_set_callback(easy, option, value), option)
    }

    func setOffset(_ option: CURLoption, _ value: Int) throws(MillraceError) {
        try check(ccurl_set_offset(easy, option, curl_off_t(value)), option)
    }

    /// Bytes that libcurl copies: as many as its size option says.
    func setCopied(_ option: CURLoption, _ bytes: [UInt8]) throws(MillraceError) {
        let code = bytes.withUnsafeBytes { bytes in
            // An empty array has no address, which libcurl would take for "read it from the callback".
            bytes.count > 0
                ? ccurl_set_pointer(easy, option, UnsafeMutableRawPointer(mutating: bytes.baseAddress)) : ccurl_set_string(easy, option, "")
        }
        try check(code, option)
    }

    /// Programs that this process starts do not inherit the transfer's connections.
    func closeOnExec() throws(MillraceError) { try check(ccurl_close_on_exec(easy), CURLOPT_OPENSOCKETFUNCTION) }

    func setSeek(_ callback: curl_seek_callback) { ccurl_set_seek(easy, callback) }

    func setConnected(_ callback: curl_prereq_callback) { ccurl_set_connected(easy, callback) }

    private func check(_ code: CURLcode, _ option: CURLoption) throws(MillraceError) {
        guard code == CURLE_OK else {
            throw MillraceError(.system, "libcurl refuses option \(option.rawValue): \(String(cString: curl_easy_strerror(code)))")
        }
    }
}
