import MillraceCore

extension DynamoDBClient {
    /// Makes a table, which can be used a while later: see ``waitUntilActive(_:seconds:)``.
    /// - Throws: ``AWSServiceError`` `ResourceInUseException` where there is one of that name.
    @discardableResult
    public func createTable(_ definition: DynamoDBTableDefinition) async throws -> DynamoDBTable {
        try DynamoDBTable(try await call("CreateTable", definition.members(), isRepeatable: false)["TableDescription"])
    }

    /// Describes a table.
    /// - Throws: ``AWSServiceError`` `ResourceNotFoundException` where there is none.
    public func describeTable(_ name: String) async throws -> DynamoDBTable {
        try DynamoDBTable(try await call("DescribeTable", ["TableName": .string(name)], isRepeatable: true)["Table"])
    }

    /// Deletes a table with all its items.
    /// - Throws: ``AWSServiceError`` `ResourceNotFoundException` where there is none.
    @discardableResult
    public func deleteTable(_ name: String) async throws -> DynamoDBTable {
        try DynamoDBTable(try await call("DeleteTable", ["TableName": .string(name)], isRepeatable: false)["TableDescription"])
    }

    /// Waits until a table and its indexes can be used; it asks once a second.
    /// - Parameter seconds: for how long (default: 60).
    /// - Throws: ``MillraceError`` with ``ErrorCode/timeout``; ``AWSServiceError`` where there is no such table.
    @discardableResult
    public func waitUntilActive(_ name: String, seconds: Int = 60) async throws -> DynamoDBTable {
        var table = try await describeTable(name)
        for _ in 0..<seconds where !table.isActive {
            try await client.wait(.seconds(1))
            table = try await describeTable(name)
        }
        guard table.isActive else {
            throw MillraceError(
                .timeout, "the table '\(name)' is \(table.status) and was not active within \(seconds) s", isRetryable: true)
        }
        return table
    }

    /// Says that items go away by themselves, some time after the moment that one of their attributes tells.
    /// - Parameters:
    ///   - name: the table's name or ARN.
    ///   - attribute: a number: seconds since 1970-01-01T00:00:00Z.
    ///   - isEnabled: `false`: items stay, from now on (default: `true`).
    public func updateTimeToLive(_ name: String, attribute: String, isEnabled: Bool = true) async throws {
        let specification: JSONValue = ["AttributeName": .string(attribute), "Enabled": .bool(isEnabled)]
        _ = try await call(
            "UpdateTimeToLive", ["TableName": .string(name), "TimeToLiveSpecification": specification], isRepeatable: true)
    }

    /// The attribute that tells when items go away; `nil`: they stay.
    public func timeToLiveAttribute(_ name: String) async throws -> String? {
        let answer = try await call("DescribeTimeToLive", ["TableName": .string(name)], isRepeatable: true)["TimeToLiveDescription"]
        return ["ENABLED", "ENABLING"].contains(answer?["TimeToLiveStatus"]?.string) ? answer?["AttributeName"]?.string : nil
    }
}
