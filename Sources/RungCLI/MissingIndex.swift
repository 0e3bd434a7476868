import Glibc
import RungLedger
import RungStore
import RungTrace

/// What happens when somebody has deleted the index of a cache that holds records.
enum MissingIndex {
  /// Makes the index anew from the records when it is not there: nothing in it is lost, and nothing runs again. Does
  /// nothing when there is an index, or no record.
  static func rebuild(_ cache: String, root: String) throws {
    let path = "\(cache)/index.sqlite"
    guard access(path, F_OK) != 0, errno == ENOENT, hasRecords(cache) else { return }
    let store = try ObjectStore(path: cache)
    let ledger = try Ledger(path: path, durable: true)
    let name = (cache + "/").hasPrefix(root + "/") ? "." : root
    let report = try IndexRebuilder.rebuild(store: store, ledger: ledger, project: name)
    Console.complain("the index of the cache was gone; it was made anew from \(report.records) records")
  }

  private static func hasRecords(_ cache: String) -> Bool {
    guard let folder = opendir("\(cache)/records") else { return false }
    defer { closedir(folder) }
    while let entry = readdir(folder) {
      // Shards have two letters.
      if entry.pointee.d_name.2 == 0, entry.pointee.d_name.0 != 46 { return true }
    }
    return false
  }
}
