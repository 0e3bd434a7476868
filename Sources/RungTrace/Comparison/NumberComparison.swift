import RungCore
import RungStore

/// The numbers in outputs that differ, gathered by step, output and place.
struct NumberComparison {
  private struct Name: Hashable {
    let step: String
    let output: String
    let pattern: String
  }
  private let store: ObjectStore
  private var changes: [Name: [Comparison.NumberChange]] = [:]

  // The largest output that is looked into, in bytes.
  private static let largest: Int64 = 16 << 20

  init(store: ObjectStore) { self.store = store }

  /// Looks into an output. Gives it back, marked when its numbers differ.
  mutating func add(_ change: Comparison.OutputChange) -> Comparison.OutputChange {
    guard change.path.hasSuffix(".json"), let old = change.old, let new = change.new,
      let before = numbers(old), let after = numbers(new)
    else { return change }
    let was = Dictionary(before.entries.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })
    var known: Set<String> = []
    var isDifferent = false
    func note(_ entry: NumberTable.Entry, _ old: Double?, _ new: Double?) {
      isDifferent = true
      changes[Name(step: change.step, output: change.output, pattern: entry.pattern), default: []].append(
        .init(instance: change.instance, path: entry.path, old: old, new: new))
    }
    for entry in after.entries {
      known.insert(entry.path)
      guard let other = was[entry.path] else {
        note(entry, nil, entry.value)
        continue
      }
      if other.text == entry.text || other.value == entry.value || other.value.isNaN && entry.value.isNaN { continue }
      note(entry, other.value, entry.value)
    }
    for entry in before.entries where !known.contains(entry.path) { note(entry, entry.value, nil) }
    guard isDifferent else { return change }
    return Comparison.OutputChange(
      instance: change.instance, step: change.step, output: change.output, path: change.path, old: old, new: new,
      oldSize: change.oldSize, newSize: change.newSize, isFigure: false, isMeasured: true)
  }

  private func numbers(_ digest: Digest) -> NumberTable? {
    (try? store.read(digest, limit: Self.largest)).flatMap(NumberTable.init)
  }

  /// All that was gathered. `instances`: how many pairs each step has.
  func metrics(instances: [String: Int]) -> [Comparison.Metric] {
    changes.map { name, changes in
      Comparison.Metric(
        step: name.step, output: name.output, path: name.pattern, instances: instances[name.step] ?? 0,
        changes: changes.sorted(by: Self.isLarger))
    }
    .sorted { ($0.step, $0.output, $0.path) < ($1.step, $1.output, $1.path) }
  }

  // What came, went or is no number first, then by the part of the old value; equal ones by name.
  private static func isLarger(_ a: Comparison.NumberChange, _ b: Comparison.NumberChange) -> Bool {
    func size(_ change: Comparison.NumberChange) -> (Double, Double) {
      guard let absolute = change.absolute else { return (.infinity, .infinity) }
      return (change.relative?.magnitude ?? .greatestFiniteMagnitude, absolute.magnitude)
    }
    let (x, y) = (size(a), size(b))
    if x != y { return x > y }
    return (a.instance, a.path) < (b.instance, b.path)
  }
}
