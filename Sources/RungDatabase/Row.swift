internal import CSQLite
import RungCore

/// The row at which a statement stands; valid until the next one is asked for.
package struct Row {
  let statement: OpaquePointer
  package let path: String
  package let title: String

  package func int(_ column: Int32) -> Int64 { sqlite3_column_int64(statement, column) }

  package func text(_ column: Int32) -> String {
    guard let bytes = sqlite3_column_text(statement, column) else { return "" }
    let count = Int(sqlite3_column_bytes(statement, column))
    return String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
  }

  package func isNull(_ column: Int32) -> Bool { sqlite3_column_type(statement, column) == SQLITE_NULL }

  package func optionalInt(_ column: Int32) -> Int64? { isNull(column) ? nil : int(column) }

  package func optionalText(_ column: Int32) -> String? { isNull(column) ? nil : text(column) }

  package func digest(_ column: Int32) throws(DatabaseError) -> Digest {
    let bytes = UnsafeRawBufferPointer(
      start: sqlite3_column_blob(statement, column), count: Int(sqlite3_column_bytes(statement, column)))
    guard let digest = Digest(bytes: bytes) else {
      throw .damagedFile(path, title, "a digest has \(bytes.count) bytes")
    }
    return digest
  }

  package func blob(_ column: Int32) -> [UInt8] {
    Array(
      UnsafeRawBufferPointer(
        start: sqlite3_column_blob(statement, column), count: Int(sqlite3_column_bytes(statement, column))))
  }

  package func optionalDigest(_ column: Int32) throws(DatabaseError) -> Digest? {
    isNull(column) ? nil : try digest(column)
  }

  // What `Value.set` wrote.
  package func set(_ column: Int32) throws(DatabaseError) -> Digest? {
    sqlite3_column_bytes(statement, column) == 0 ? nil : try digest(column)
  }
}
