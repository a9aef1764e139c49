import MillraceCore
final class HTTPDateCache {
    func appendHead(_ response: HTTPResponse, _ framing: HTTPFraming, keepsAlive: Bool, to out: inout ByteBuffer) {
        out.append("HTTP/1.1 "); out.append(decimal: response.status.code); out.append(" "); out.append(response.status.reasonPhrase)
        out.append("\r\n")
        for f in response.headers.fields { out.append(f.name); out.append(": "); out.append(f.value); out.append("\r\n") }
        switch framing {
        case .length(let n): if !response.status.forbidsBody { out.append("Content-Length: "); out.append(decimal: n); out.append("\r\n") }
        case .chunked: out.append("Transfer-Encoding: chunked\r\n")
        case .untilClose: break
        }
        if !keepsAlive { out.append("Connection: close\r\n") }
        out.append("\r\n")
    }
}
enum HTTPFraming { case length(Int), chunked, untilClose }
