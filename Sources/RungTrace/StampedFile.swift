import Glibc
import RungCore
import RungFormats

/// A file that says where it comes from: by a stamp in it, or by one beside it.
struct StampedFile {
  /// What it says.
  let stamp: Stamp
  /// Whether the bytes, without the stamp, are the artifact's.
  let isUnedited: Bool

  /// The largest file that is looked into, in bytes.
  static let largest = 256 << 20

  /// The stamp in some bytes, else that in the file `PATH.rung.json`, which a format without room for a stamp has beside
  /// it; nil without either.
  ///
  /// - Parameter digest: the digest of the bytes.
  init?(_ bytes: [UInt8], at path: String, digest: Digest) {
    if let reading = Stamping.reading(bytes) {
      (stamp, isUnedited) = (reading.stamp, reading.isUnedited)
    } else if let text = Self.content(of: path + ".rung.json", limit: 1 << 16),
      let beside = Stamp(json: String(decoding: text, as: UTF8.self))
    {
      (stamp, isUnedited) = (beside, beside.artifact == digest)
    } else {
      return nil
    }
  }

  /// The bytes of a file; nil when it cannot be read, is no plain file or is larger than `limit`.
  static func content(of path: String, limit: Int = largest) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size <= limit else {
      return nil
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Int(status.st_size))
    var part = [UInt8](repeating: 0, count: 1 << 18)
    while true {
      let count = Glibc.read(descriptor, &part, part.count)
      if count < 0 {
        if errno == EINTR { continue }
        return nil
      }
      if count == 0 { return bytes }
      bytes += part[..<count]
      if bytes.count > limit { return nil }
    }
  }

  /// What is wrong with a file that begins like a PNG; nil when nothing is, or with another format.
  static func damage(in bytes: [UInt8]) -> String? {
    guard bytes.starts(with: PNGChunks.signature) else { return nil }
    do {
      _ = try PNGChunks(bytes)
      return nil
    } catch {
      return error.message
    }
  }
}
