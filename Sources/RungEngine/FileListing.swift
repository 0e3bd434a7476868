import RungCore

/// The files that a glob matched, with their contents: an object, so that `why` can say which of them changed.
///
/// A JSON text, `{"format": "rung/files/1", "files": [[path, digest, executable], …]}`, sorted by path; its digest is
/// what goes into the key.
struct FileListing {
  let bytes: [UInt8]

  var digest: Digest { Digest(of: bytes) }

  init(_ files: [(path: String, content: SourceFiles.Content)]) {
    let rows = files.map { file -> JSON in
      if case .file(let digest, _, let executable) = file.content {
        return [.string(file.path), .digest(digest), .bool(executable)]
      }
      return [.string(file.path), .digest(file.content.digest), false]
    }
    let json: JSON = ["format": "rung/files/1", "files": .array(rows)]
    bytes = Array((json.compact + "\n").utf8)
  }

  /// The paths and contents in such an object; nil when the bytes are something else.
  static func read(_ bytes: [UInt8]) -> [String: Digest]? {
    guard let json = try? JSON(parsing: bytes), json["format"]?.string == "rung/files/1",
      let rows = json["files"]?.array
    else { return nil }
    var files: [String: Digest] = [:]
    for row in rows {
      guard let cells = row.array, cells.count == 3, let path = cells[0].string, let digest = cells[1].digest else {
        return nil
      }
      files[path] = digest
    }
    return files
  }
}
