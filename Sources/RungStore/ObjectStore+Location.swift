import Glibc
import RungCore

extension ObjectStore {
  /// Where the stored bytes of a published object or record lie: their file, and which part of it is theirs. Nil when it
  /// is not there. For tests and for people who look into a cache; a pack may be written anew at any time.
  package func location(of digest: Digest, isRecord: Bool = false) throws(StoreError) -> (
    file: String, bytes: Range<Int64>
  )? {
    let name = Name(kind: isRecord ? .record : .object, digest: digest)
    if let place = try index.find(name) {
      return ("\(path)/\(PackFile.path(place.pack, name.kind))", place.offset..<place.end)
    }
    guard let form = try looseForm(name) else { return nil }
    let file = name.path(form)
    return ("\(path)/\(file)", 0..<Int64(try fileSystem.stat(file, in: root, at: "\(path)/\(file)").st_size))
  }

  /// Takes a published name away without asking whether anybody needs it, as a stray program would. For tests.
  package func lose(_ digest: Digest, isRecord: Bool = false) throws(StoreError) {
    let name = Name(kind: isRecord ? .record : .object, digest: digest)
    hot.drop(digest)
    if let place = try index.find(name) { try forget(name, place) }
    guard let form = try looseForm(name) else { return }
    try fileSystem.remove(name.path(form), in: root, at: "\(path)/\(name.path(form))")
  }
}
