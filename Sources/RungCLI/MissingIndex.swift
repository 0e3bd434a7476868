import Glibc
import RungLedger
import RungStore
import RungTrace

/// What happens when somebody has deleted the index of a cache that holds records.
enum MissingIndex {
  /// Makes the index anew from the records when it is not there: nothing runs again. Does nothing when there is an index,
  /// or no record; the answer tells.
  @discardableResult
  static func rebuild(_ cache: String, root: String) throws -> Bool {
    let path = "\(cache)/index.sqlite"
    guard access(path, F_OK) != 0, errno == ENOENT, hasRecords(cache) else { return false }
    let store = try ObjectStore(path: cache)
    let ledger = try Ledger(path: path, durable: true)
    let name = (cache + "/").hasPrefix(root + "/") ? "." : root
    let report = try IndexRebuilder.rebuild(store: store, ledger: ledger, project: name)
    Console.complain("the index of the cache was gone; it was made anew from \(report.records) records")
    return true
  }

  // In files of their own, or in packs.
  private static func hasRecords(_ cache: String) -> Bool {
    holds("\(cache)/records") { _ in true } || holds("\(cache)/packs") { $0.hasSuffix(".records") }
  }

  private static func holds(_ path: String, _ isMeant: (String) -> Bool) -> Bool {
    guard let folder = opendir(path) else { return false }
    defer { closedir(folder) }
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if name != ".", name != "..", isMeant(name) { return true }
    }
    return false
  }
}
