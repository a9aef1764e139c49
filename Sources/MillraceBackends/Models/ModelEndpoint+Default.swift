import MillraceHTTPClient

extension ModelEndpoint {
    /// The transport of models that are made in code: libcurl on the loop of whoever calls, with the default bounds, retries and circuit
    /// breakers, which all such models share.
    static let sharedTransport: any HTTPTransport = {
        do { return try ResilientTransport(HTTPClient()) } catch { preconditionFailure("the default policies are refused: \(error)") }
    }()

    /// An endpoint of a model that is made in code.
    init(url: String, authorization: (header: String, prefix: String) = ("Authorization", "Bearer "), credential: Credential?) {
        self.init(url: url, authorization: authorization, credential: credential, transport: Self.sharedTransport)
    }
}
