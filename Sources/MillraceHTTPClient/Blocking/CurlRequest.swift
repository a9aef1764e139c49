/// An HTTP request of the blocking client.
package struct CurlRequest: Equatable, Sendable {
    package struct Header: Equatable, Sendable {
        package var name: String
        package var value: String
        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    package var method: String
    /// `http` or `https`; anything else is refused.
    package var url: String
    package var headers: [Header]
    package var body: [UInt8]?
    /// How long a connection may take to come about, in milliseconds.
    package var connectTimeoutMilliseconds: Int
    /// How long the whole exchange may take, in milliseconds; `nil`: as long as it takes (streams).
    package var totalTimeoutMilliseconds: Int?

    package init(
        method: String = "GET", url: String, headers: [Header] = [], body: [UInt8]? = nil, connectTimeoutMilliseconds: Int = 5000,
        totalTimeoutMilliseconds: Int? = nil
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.connectTimeoutMilliseconds = connectTimeoutMilliseconds
        self.totalTimeoutMilliseconds = totalTimeoutMilliseconds
    }
}

/// The head of a response.
package struct CurlResponseHead: Equatable, Sendable {
    package var status: Int
    package var headers: [CurlRequest.Header]

    package init(status: Int, headers: [CurlRequest.Header] = []) {
        self.status = status
        self.headers = headers
    }

    /// The first header field of that name, whatever its case.
    package func first(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }
}
