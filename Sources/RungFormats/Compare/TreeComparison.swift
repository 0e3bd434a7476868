import RungCore

/// How two versions of a folder differ in names and in the digests of files: who compares the files themselves has to read
/// only those in `changed`.
public struct TreeComparison: Hashable, Sendable {
  /// Files that only the first has, by the bytes of their paths.
  public let missing: [String]
  /// Files that only the second has.
  public let extra: [String]
  /// Files with other content.
  public let changed: [String]

  /// Compares two lists in any order. A path is there once.
  public init(_ a: [(path: String, digest: Digest)], _ b: [(path: String, digest: Digest)]) {
    let second = Dictionary(b.map { ($0.path, $0.digest) }) { first, _ in first }
    let first = Set(a.map(\.path))
    func sorted(_ paths: [String]) -> [String] { paths.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) } }
    missing = sorted(a.filter { second[$0.path] == nil }.map(\.path))
    extra = sorted(b.filter { !first.contains($0.path) }.map(\.path))
    changed = sorted(
      a.filter { file in second[file.path].map { $0 != file.digest } ?? false }.map(\.path))
  }

  /// What there is to say of names: one sentence without a full stop; nil when both have the same.
  public var first: String? {
    func list(_ paths: [String], _ where: String) -> String? {
      guard let first = paths.first else { return nil }
      let others = paths.count == 1 ? "is" : "and \(Wording.count(paths.count - 1, "other")) are"
      return "\(Wording.quoted(first)) \(others) only in the \(`where`)"
    }
    return list(missing, "first") ?? list(extra, "second")
  }

  /// The verdict on the folder, given those on the files in `changed`, in that order.
  public func verdict(_ files: [OutputComparison.Verdict]) -> OutputComparison.Verdict {
    if let first { return .different(first: first) }
    var largest: (absolute: Double, relative: Double)?
    for (path, verdict) in zip(changed, files) {
      switch verdict {
      case .identical: break
      case .within(let absolute, let relative):
        largest = (max(largest?.absolute ?? 0, absolute), max(largest?.relative ?? 0, relative))
      case .different(let first): return .different(first: "\(Wording.quoted(path)): \(first)")
      }
    }
    return largest.map { .within(largestAbsolute: $0.absolute, largestRelative: $0.relative) } ?? .identical
  }
}
