import CCurl
import Glibc
import MillraceCore

extension CurlTransfer {
    /// Sets everything that libcurl has to know. `easy` is fresh or reset.
    func prepare(_ easy: UnsafeMutableRawPointer, addresses: [String]?) throws(MillraceError) {
        let options = CurlOptions(easy)
        try options.set(CURLOPT_URL, request.url)
        // A signature holds for the path as it stands, and S3's keys may have ".." in them.
        try options.set(CURLOPT_PATH_AS_IS, 1)
        try options.set(CURLOPT_PROTOCOLS_STR, "http,https")
        try options.set(CURLOPT_FOLLOWLOCATION, 0)
        try options.closeOnExec()
        // Without this libcurl's resolver uses SIGALRM, which is unsafe with threads.
        try options.set(CURLOPT_NOSIGNAL, 1)
        // Where libcurl looks up a proxy's name itself, a cancel must not wait for its thread.
        try options.set(CURLOPT_QUICK_EXIT, 1)
        try options.set(CURLOPT_USERAGENT, "millrace/\(MillraceVersion.current)")
        try options.set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2TLS))
        // Requests that start together share one HTTP/2 connection instead of opening one each.
        if target.isSecure { try options.set(CURLOPT_PIPEWAIT, 1) }
        try options.set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        try options.set(CURLOPT_TCP_KEEPALIVE, 1)
        try options.set(CURLOPT_MAXAGE_CONN, settings.idleConnectionSeconds)
        // The least that libcurl allows: over TLS it allocates this much for each transfer, and 64 KiB unasked.
        try options.set(CURLOPT_UPLOAD_BUFFERSIZE, 16 << 10)
        // The deadlines are ours; libcurl's own of 5 minutes must not come first.
        try options.set(CURLOPT_CONNECTTIMEOUT_MS, Int(Int32.max))
        if let caFile = settings.caFile {
            try options.set(CURLOPT_CAINFO, caFile)
            // The system's directory of certificates would be trusted beside the file.
            try options.set(CURLOPT_CAPATH, nil)
        }
        // Set only here: any value replaces the environment's no_proxy.
        if target.isLoopback || !request.usesProxy { try options.set(CURLOPT_NOPROXY, "*") }
        let resolve = try resolveList(addresses)
        let upload = try prepareBody(options)
        let headers: UnsafeMutablePointer<curl_slist>?
        do throws(MillraceError) { headers = try headerList() } catch {
            curl_slist_free_all(resolve)
            throw error
        }
        keep(headers: headers, resolve: resolve, upload: upload)
        try options.set(CURLOPT_HTTPHEADER, UnsafeMutableRawPointer(headers))
        if let resolve { try options.set(CURLOPT_RESOLVE, UnsafeMutableRawPointer(resolve)) }
        try prepareCallbacks(options)
    }

    /// Longer bodies are sent from where they are: libcurl's copy would live as long as the transfer.
    private static let largestCopiedBody = 64 << 10

    /// - Returns: the upload, where the body comes piece by piece.
    private func prepareBody(_ options: CurlOptions) throws(MillraceError) -> RequestUpload? {
        var upload: RequestUpload?
        switch request.body {
        case .none:
            if request.method == "HEAD" { try options.set(CURLOPT_NOBODY, 1) }
        case _ where request.method == "HEAD":
            throw MillraceError(.invalidInput, "a HEAD request has no body (RFC 9110, section 9.3.2)")
        case .bytes(let bytes) where bytes.count > Self.largestCopiedBody:
            try options.set(CURLOPT_POST, 1)
            try options.setOffset(CURLOPT_POSTFIELDSIZE_LARGE, bytes.count)
        case .bytes(let bytes):
            try options.set(CURLOPT_POST, 1)
            try options.set(CURLOPT_POSTFIELDSIZE, bytes.count)
            try options.setCopied(CURLOPT_COPYPOSTFIELDS, bytes)
        case .stream(let length, let next):
            try options.set(CURLOPT_UPLOAD, 1)
            if let length { try options.setOffset(CURLOPT_INFILESIZE_LARGE, length) }
            upload = RequestUpload(next, length: length, of: self)
        }
        if request.method != "HEAD" { try options.set(CURLOPT_CUSTOMREQUEST, request.method) }
        return upload
    }

    private func headerList() throws(MillraceError) -> UnsafeMutablePointer<curl_slist>? {
        // libcurl's own ideas, switched off: it would wait for "100 Continue" and call bytes a form.
        var lines = ["Expect:"]
        if request.headers["Content-Type"] == nil { lines.append("Content-Type:") }
        if case .bytes(let bytes) = request.body, bytes.isEmpty, request.method == "GET" { lines.append("Content-Length:") }
        for field in request.headers.fields { lines.append(field.value.isEmpty ? "\(field.name);" : "\(field.name): \(field.value)") }
        var list: UnsafeMutablePointer<curl_slist>?
        for line in lines {
            // A line break would smuggle in a header of somebody else's choice. The value may be a secret, so it isn't shown.
            guard !line.utf8.contains(where: { $0 == 0 || $0 == 10 || $0 == 13 }), let longer = curl_slist_append(list, line) else {
                curl_slist_free_all(list)
                throw MillraceError(
                    .invalidInput, "the header \(line.prefix { $0 != ":" && !$0.isNewline }) holds a line break or a NUL byte")
            }
            list = longer
        }
        return list
    }

    private func resolveList(_ addresses: [String]?) throws(MillraceError) -> UnsafeMutablePointer<curl_slist>? {
        guard let addresses else { return nil }
        guard !addresses.isEmpty else { throw CurlFailure.unknownHost(target) }
        // The plus lets libcurl forget the entry like one that it looked up itself.
        let list = addresses.map { $0.contains(":") ? "[\($0)]" : $0 }.joined(separator: ",")
        return curl_slist_append(nil, "+\(target.host):\(target.port):\(list)")
    }

    private func prepareCallbacks(_ options: CurlOptions) throws(MillraceError) {
        let context = Unmanaged.passUnretained(self).toOpaque()
        try options.set(CURLOPT_PRIVATE, context)
        try options.set(CURLOPT_HEADERDATA, context)
        try options.set(
            CURLOPT_HEADERFUNCTION,
            { bytes, size, count, context in
                guard let context else { return 0 }
                let line = UnsafeRawBufferPointer(start: bytes, count: size * count)
                return Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue().received(headerLine: line)
            })
        try options.set(CURLOPT_WRITEDATA, context)
        try options.set(
            CURLOPT_WRITEFUNCTION,
            { bytes, size, count, context in
                guard let context else { return 0 }
                let piece = UnsafeRawBufferPointer(start: bytes, count: size * count)
                return Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue().received(piece)
            })
        try options.set(CURLOPT_READDATA, context)
        try options.set(
            CURLOPT_READFUNCTION,
            { bytes, size, count, context in
                guard let context else { return Int(CURL_READFUNC_ABORT) }
                let room = UnsafeMutableRawBufferPointer(start: bytes, count: size * count)
                return Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue().send(into: room)
            })
        try options.set(CURLOPT_SEEKDATA, context)
        options.setSeek { context, offset, origin in
            guard let context, origin == SEEK_SET else { return CURL_SEEKFUNC_CANTSEEK }
            return Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue().rewind(to: Int(offset))
                ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_CANTSEEK
        }
        try options.set(CURLOPT_PREREQDATA, context)
        options.setConnected { context, _, _, _, _ in
            guard let context else { return 0 }
            let mayGoOut = Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue().connected()
            return mayGoOut ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
        }
    }
}
