import RungCore
import RungEngine
import RungLedger
import RungPlan
import RungReport

extension ReportGathering {
  // No more numbers of a step are drawn.
  private static let mostCourses = 6

  /// What instances of a step told of while they ran: of the first few that did, the first few numbers.
  func courses(of planned: PlannedStep, _ rows: [BuildGraph.NodeID]) -> [CourseValues] {
    var courses: [CourseValues] = []
    var told = 0
    for row in rows where told < CourseValues.mostLines {
      guard let digest = record(row)?.events,
        let bytes = try? session.store.read(digest, limit: Int64(StepEvents.largest))
      else { continue }
      told += 1
      let label = planned.suffix(of: row - planned.first)
      for series in StepEvents.series(of: bytes) {
        let over = series.over ?? "line"
        let place: Int
        if let known = courses.firstIndex(where: { $0.metric == series.name && $0.over == over }) {
          place = known
        } else {
          guard courses.count < Self.mostCourses else { continue }
          place = courses.count
          courses.append(CourseValues(metric: PlainText.cut(series.name, 80), over: PlainText.cut(over, 40)))
        }
        let every = max(1, (series.points.count + CourseValues.mostPoints - 1) / CourseValues.mostPoints)
        let last = series.points.count - 1
        let points = series.points.enumerated().filter { $0.offset % every == 0 || $0.offset == last }.map(\.element)
        courses[place].lines.append((label: label, points: points))
      }
    }
    return courses
  }
}
