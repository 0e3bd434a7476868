import Testing

@testable import RungClaims

/// Quantiles against printed tables (Abramowitz & Stegun table 26.10).
struct StudentTests {
  @Test(arguments: [(1, 12.706), (2, 4.303), (4, 2.776), (9, 2.262), (30, 2.042), (120, 1.980)])
  func quantilesAreThoseOfTheTable(freedom: Int, printed: Double) {
    #expect(abs(Student.quantile(freedom) - printed) < 0.0006)
  }

  @Test func theSumAndTheExpansionMeet() {
    #expect(abs(Student.quantile(9_999) - Student.quantile(10_000)) < 1e-7)
  }

  // For n = 6 the extremes enclose the median with 96.9 %; for 10 the second ones with 97.9 %.
  @Test(arguments: [(5, nil), (6, 1), (9, 2), (10, 2), (20, 6), (1000, 469)] as [(Int, Int?)])
  func ranksOfTheMedian(count: Int, rank: Int?) {
    #expect(Student.medianRank(count) == rank)
  }
}
