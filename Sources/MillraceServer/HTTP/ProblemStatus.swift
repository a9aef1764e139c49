import MillraceCore
import MillraceHTTP
import MillraceHTTPClient

/// Which HTTP status an error is.
enum ProblemStatus {
    static func of(_ code: ErrorCode) -> HTTPStatus {
        switch code {
        case .invalidJSON: .badRequest
        case .invalidInput: .unprocessableContent
        case .notFound: .notFound
        case .conflict: .conflict
        case .limitExceeded: .tooManyRequests
        case .serverShutdown, .storageUnavailable, .storageFull, .modelUnavailable, .circuitOpen: .serviceUnavailable
        case .timeout: .gatewayTimeout
        case .modelError, .unreachable, .connectionLost: .badGateway
        default: .internalServerError
        }
    }
}
