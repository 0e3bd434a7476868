import Glibc
import RungCore

extension ObjectStore {
  /// The objects whose hexadecimal digest begins with `prefix` (at least six lower-case digits; fewer find nothing),
  /// sorted. Looks only at what is visible to all processes.
  public func digests(withPrefix prefix: String) -> [Digest] {
    guard prefix.utf8.count >= 6, prefix.utf8.count <= 64,
      prefix.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) })
    else { return [] }
    func filled(with digit: Character) -> Digest? {
      Digest(prefix + String(repeating: digit, count: 64 - prefix.utf8.count))
    }
    guard let low = filled(with: "0"), let high = filled(with: "f") else { return [] }
    var found = Set((try? index.objects(from: low, through: high)) ?? [])
    let shard = String(prefix.prefix(2))
    if let folder = opendir("\(path)/objects/\(shard)") {
      defer { closedir(folder) }
      while let entry = readdir(folder) {
        let name = withUnsafeBytes(of: entry.pointee.d_name) { raw in
          String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
        }
        guard let (digits, _) = Form.parse(name), let digest = Digest(shard + digits) else { continue }
        if digest.hex.hasPrefix(prefix) { found.insert(digest) }
      }
    }
    return found.sorted()
  }
}
