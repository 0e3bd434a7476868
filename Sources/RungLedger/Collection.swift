import RungCore

/// The outputs of many instances that a step reads together: an object of the store, shared by all that read it.
///
/// Its digest goes into the reader's key. It is the framed hash (domain `rung/collection/1`) of the form and, for each
/// member, its axis labels and content; the records that made the members are kept beside it but are no part of it, so
/// that a member made again with the same content changes nothing.
public struct Collection: Hashable, Sendable {
  /// One gathered output.
  public struct Member: Hashable, Sendable {
    /// The instance that made it.
    public var instance: String
    /// Its axis labels, `width=200,seed=3`.
    public var labels: String
    /// The content.
    public var digest: Digest
    /// The record of its making.
    public var record: Digest

    /// A member of a collection.
    public init(instance: String, labels: String, digest: Digest, record: Digest) {
      self.instance = instance
      self.labels = labels
      self.digest = digest
      self.record = record
    }
  }

  /// `table` or `files`.
  public var form: String
  /// The name of the output that is gathered.
  public var output: String
  /// In the order of the maker's instances.
  public var members: [Member]

  /// A collection.
  public init(form: String, output: String, members: [Member]) {
    self.form = form
    self.output = output
    self.members = members
  }

  /// What goes into the key of a step that reads it.
  public var contentDigest: Digest {
    var hash = FramedHash(domain: "rung/collection/1")
    hash.field("form", form)
    hash.field("members", members.count)
    for member in members {
      hash.field("labels", member.labels)
      hash.field("digest", member.digest)
    }
    return hash.digest()
  }

  /// The bytes of the object that keeps it: JSON with the members as rows of instance, labels, digest and record.
  public var bytes: [UInt8] {
    let json: JSON = [
      "format": "rung/collection/1", "form": .string(form), "output": .string(output),
      "members": .array(
        members.map {
          [.string($0.instance), .string($0.labels), .digest($0.digest), .digest($0.record)]
        }),
    ]
    return json.compactBytes + [10]
  }

  /// Reads the bytes of the object. Nil when they are not a collection of a format that this version knows.
  public init?(bytes: [UInt8]) {
    if let collection = Self.scanned(bytes) {
      self = collection
      return
    }
    guard let json = try? JSON(parsing: bytes), json["format"]?.string == "rung/collection/1",
      let form = json["form"]?.string, let output = json["output"]?.string, let rows = json["members"]?.array
    else { return nil }
    let members = rows.compactMap { row -> Member? in
      guard let cells = row.array, cells.count == 4, let instance = cells[0].string, let labels = cells[1].string,
        let digest = cells[2].digest, let record = cells[3].digest
      else { return nil }
      return Member(instance: instance, labels: labels, digest: digest, record: record)
    }
    guard members.count == rows.count else { return nil }
    self.init(form: form, output: output, members: members)
  }

  // What `bytes` writes, read much faster; nil for all else, which the parser may still understand.
  private static func scanned(_ bytes: [UInt8]) -> Collection? {
    bytes.withUnsafeBufferPointer { bytes in
      var from = ByteScanner(bytes)
      guard from.take("{\"format\":\"rung/collection/1\",\"form\":"), let form = from.string(),
        from.take(",\"output\":"), let output = from.string(), from.take(",\"members\":"),
        let members = from.list(Member.scanned), from.take("}\n"), from.isAtEnd
      else { return nil }
      return Collection(form: form, output: output, members: members)
    }
  }
}

extension Collection.Member {
  fileprivate static func scanned(_ from: inout ByteScanner) -> Collection.Member? {
    guard from.take("["), let instance = from.string(), from.take(","), let labels = from.string(), from.take(","),
      let digest = from.digest(), from.take(","), let record = from.digest(), from.take("]")
    else { return nil }
    return Collection.Member(instance: instance, labels: labels, digest: digest, record: record)
  }
}
