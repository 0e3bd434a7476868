import Glibc
import RungCore

extension ObjectStore {
  /// The objects whose hexadecimal digest begins with `prefix` (at least six lower-case digits; fewer find nothing),
  /// sorted. Looks only at what is visible to all processes.
  public func digests(withPrefix prefix: String) -> [Digest] {
    guard prefix.utf8.count >= 6, prefix.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) }) else {
      return []
    }
    let shard = String(prefix.prefix(2))
    guard let folder = opendir("\(path)/objects/\(shard)") else { return [] }
    defer { closedir(folder) }
    var found: Set<Digest> = []
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { raw in
        String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
      }
      if let digest = Digest(shard + name.prefix { $0 != "." }), digest.hex.hasPrefix(prefix) { found.insert(digest) }
    }
    return found.sorted()
  }
}
