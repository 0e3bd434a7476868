import RungCore
import RungFormats

extension Tracer {
  /// What a file is that no record names by its content, by what its stamp says.
  ///
  /// - Parameter unknown: why its content was not enough; thrown when it has no stamp.
  func find(
    stampedFileAt path: String, _ digest: Digest, otherwise unknown: TraceError
  ) throws(TraceError) -> Trace.Subject {
    guard let bytes = StampedFile.content(of: path) else { throw unknown }
    let damage = StampedFile.damage(in: bytes)
    guard let file = StampedFile(bytes, at: path, digest: digest) else {
      throw damage.map { unknown.adding("the file is damaged: \($0)") } ?? unknown
    }
    let stamp = file.stamp
    guard file.isUnedited else {
      // The place where it was published says more than the stamp does.
      if unknown.published != nil { throw damage.map { unknown.adding("the file is damaged: \($0)") } ?? unknown }
      let error = TraceError(
        .changed, "\(path) was edited after it was published",
        notes: [
          "its stamp says that it was '\(stamp.output)' of \(stamp.instance), \(stamp.artifact)",
          "now it is \(digest)", damage.map { "the file is damaged: \($0)" } ?? remedy(stamp),
        ])
      throw error
    }
    do {
      return try find(path, stamp.artifact, place: placeInProject(path)).stamped(stamp)
    } catch {
      if error.code == .cache { throw error }
      if (try? store.readRecord(stamp.record)) != nil {
        throw TraceError(
          .changed, "\(path) has a stamp that contradicts the record that it names",
          notes: [
            "the record \(stamp.record) is in the cache \(store.path), and it made no \(stamp.artifact)",
            "either the stamp was altered, or the index is incomplete: `rung cache rebuild-index`",
          ])
      }
      throw TraceError(
        .elsewhere, "\(path) was made in another project or cache, as its stamp says",
        notes: [
          "its stamp says that it is '\(stamp.output)' of \(stamp.instance), \(stamp.artifact)",
          "the record of its making, \(stamp.record), is not in the cache \(store.path)",
          "trace it in the project that made it; if the index may be incomplete, run `rung cache rebuild-index`",
        ])
    }
  }

  private func remedy(_ stamp: Stamp) -> String {
    (try? find("", stamp.artifact, place: nil)) != nil
      ? "`rung trace '\(stamp.instance)'` tells how such a file is made"
      : "what made it is not in the cache \(store.path)"
  }
}

extension TraceError {
  /// The same with one more note, the first.
  func adding(_ note: String) -> TraceError {
    TraceError(code, message, notes: [note] + notes, published: published)
  }
}

extension Trace.Subject {
  fileprivate func stamped(_ stamp: Stamp) -> Trace.Subject {
    Trace.Subject(
      file: file, digest: digest, instance: instance, output: output, record: record, publishedAt: publishedAt,
      alsoMadeBy: alsoMadeBy, stamp: stamp)
  }
}
