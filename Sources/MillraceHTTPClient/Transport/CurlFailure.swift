import CCurl
import MillraceCore

/// What libcurl's failures mean for the person who meets them.
enum CurlFailure {
    /// - Parameters:
    ///   - advice: what to do when nothing listens; empty: nothing.
    ///   - proxyStatus: what a proxy answered when it was asked for a way to the target; 0: it was not.
    static func error(_ code: CURLcode, _ target: RequestTarget, advice: String = "", proxyStatus: Int = 0) -> MillraceError {
        let reason = String(cString: curl_easy_strerror(code))
        let peer = target.authority
        switch code {
        // libcurl says no more than that it received nothing.
        case CURLE_RECV_ERROR where proxyStatus >= 300:
            return MillraceError(
                .unreachable,
                "the proxy gave no way to \(peer) and answered \(proxyStatus): check http_proxy and https_proxy in the environment",
                isRetryable: proxyStatus >= 500 || proxyStatus == 429)
        case CURLE_COULDNT_CONNECT:
            return MillraceError(
                .unreachable, "nothing listens on \(peer)\(advice.isEmpty ? "" : ": \(advice)")", isRetryable: true)
        case CURLE_COULDNT_RESOLVE_HOST: return unknownHost(target)
        case CURLE_COULDNT_RESOLVE_PROXY:
            return MillraceError(.unreachable, "the proxy's host name is not known: check http_proxy and https_proxy in the environment")
        case CURLE_PROXY:
            return MillraceError(
                .unreachable, "the proxy gave no way to \(peer): check http_proxy and https_proxy in the environment", isRetryable: true)
        case CURLE_OPERATION_TIMEDOUT:
            return MillraceError(.timeout, "\(peer) does not answer in time: check the address and the network", isRetryable: true)
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR,
            CURLE_SSL_CERTPROBLEM,
            CURLE_SSL_CIPHER:
            return MillraceError(
                .unreachable,
                "no secure connection to \(peer) (\(reason)): check its certificate, name a CA file that vouches for it, or use http://")
        case CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE, CURLE_RECV_ERROR, CURLE_SEND_ERROR, CURLE_HTTP2, CURLE_HTTP2_STREAM,
            CURLE_SEND_FAIL_REWIND:
            return MillraceError(.connectionLost, "the connection to \(peer) broke (\(reason)): try again", isRetryable: true)
        case CURLE_ABORTED_BY_CALLBACK:
            return MillraceError(
                .connectionLost, "the connection to \(peer) broke without an answer, and the request cannot be sent anew: try again",
                isRetryable: true)
        case CURLE_WEIRD_SERVER_REPLY, CURLE_UNSUPPORTED_PROTOCOL:
            return MillraceError(.unreachable, "what listens on \(peer) does not speak HTTP (\(reason)): check the port")
        default: return MillraceError(.connectionLost, "the request to \(peer) failed: \(reason)", isRetryable: true)
        }
    }

    static func unknownHost(_ target: RequestTarget) -> MillraceError {
        MillraceError(.unreachable, "the host name '\(target.host)' is not known: check the address", isRetryable: true)
    }
}
