import RungCore

/// The files that a glob matched, with their contents: an object, so that `why` can say which of them changed.
///
/// A JSON text, `{"format": "rung/files/1", "files": [[path, digest, executable], …]}`, sorted by path; its digest is
/// what goes into the key.
public struct FileListing: Hashable, Sendable {
  /// One of them.
  public struct File: Hashable, Sendable {
    /// From the project's root.
    public let path: String
    /// The content.
    public let digest: Digest
    /// Whether its owner may execute it.
    public let executable: Bool

    /// A file.
    public init(path: String, digest: Digest, executable: Bool) {
      self.path = path
      self.digest = digest
      self.executable = executable
    }
  }

  /// In the order of their paths.
  public let files: [File]
  /// The bytes of the object.
  public let bytes: [UInt8]
  /// The name of the object.
  public let digest: Digest

  /// A list of files, which must be sorted by path.
  public init(_ files: [File]) {
    self.files = files
    let rows = files.map { file -> JSON in [.string(file.path), .digest(file.digest), .bool(file.executable)] }
    let json: JSON = ["format": "rung/files/1", "files": .array(rows)]
    bytes = json.compactBytes + [10]
    digest = Digest(of: bytes)
  }

  /// Reads the bytes of an object; nil when they are something else.
  public init?(bytes: [UInt8]) {
    guard let json = try? JSON(parsing: bytes), json["format"]?.string == "rung/files/1",
      let rows = json["files"]?.array
    else { return nil }
    let files = rows.compactMap { row -> File? in
      guard let cells = row.array, cells.count == 3, let path = cells[0].string, let digest = cells[1].digest,
        let executable = cells[2].bool
      else { return nil }
      return File(path: path, digest: digest, executable: executable)
    }
    guard files.count == rows.count else { return nil }
    self.init(files)
  }
}
