package mllibpy.kernel.cluster

import mllibpy.kernel.linear.SparseExamples

/** Of sparse rows: a row is gone through once for each panel. */
private final class SparseSearch(block: SparseExamples, arithmetic: CentreTiles) extends Search {
  private val w = CentreTiles.DoubleWidth
  private val scores = new Array[Double](w)
  private val taken = new Array[Int](Search.Tile)

  val epsilon: Double = Math.pow(2, -53)
  def panelWidth: Int = w

  def take(from: Int, count: Int): Unit = {
    n = count
    var r = 0
    while (r < n) { taken(r) = from + r; r += 1 }
  }

  def gather(of: Array[Int], from: Int, count: Int): Unit = {
    n = count
    System.arraycopy(of, from, taken, 0, n)
  }

  def find(centres: Centres, from: Int, until: Int, two: Boolean): Unit = {
    java.util.Arrays.fill(best, Double.NegativeInfinity)
    java.util.Arrays.fill(second, Double.NegativeInfinity)
    java.util.Arrays.fill(which, 0)
    var r = 0
    while (r < n) {
      var panel = from
      while (panel < until) {
        fill(taken(r), centres, panel)
        var i = 0
        while (i < w) {
          val v = scores(i)
          if (v > best(r)) {
            second(r) = best(r)
            best(r) = v
            which(r) = panel * w + i
          } else if (v > second(r)) second(r) = v
          i += 1
        }
        panel += 1
      }
      r += 1
    }
  }

  private def fill(row: Int, centres: Centres, panel: Int): Unit =
    arithmetic.sparse(
      block.values,
      block.columns,
      block.start(row),
      block.start(row + 1),
      centres.doubles,
      panel * w * (centres.features + 1),
      scores,
      0
    )

  /** What an entry adds to the point's own square; where next to nothing is left of that, by
    * differences.
    */
  def squared(row: Int, point: Array[Double], at: Int, square: Double, by: Double): Double = {
    var sum = square
    var e = block.start(row)
    while (e < block.start(row + 1)) {
      val v = by * block.values(e)
      sum += v * (v - 2 * point(at + block.columns(e)))
      e += 1
    }
    if (sum < SparseSearch.Cancelled * square) differences(row, point, at, by) else sum
  }

  private def differences(row: Int, point: Array[Double], at: Int, by: Double): Double = {
    var sum = 0.0
    var f = 0
    var e = block.start(row)
    val end = block.start(row + 1)
    while (f < block.features) {
      var d = point(at + f)
      if (e < end && block.columns(e) == f) {
        d -= by * block.values(e)
        e += 1
      }
      sum += d * d
      f += 1
    }
    sum
  }

  def length(row: Int): Double = {
    var sum = 0.0
    var e = block.start(row)
    while (e < block.start(row + 1)) { sum += block.values(e) * block.values(e); e += 1 }
    Math.sqrt(sum)
  }

  def score(row: Int, centres: Centres, c: Int): Double = {
    val first = centres.base(c, w)
    var sum = centres.doubles(first)
    var e = block.start(row)
    while (e < block.start(row + 1)) {
      sum += block.values(e) * centres.doubles(first + (block.columns(e) + 1) * w)
      e += 1
    }
    sum
  }

  def each(centres: Centres, out: Array[Double]): Unit = {
    var r = 0
    while (r < n) {
      fill(taken(r), centres, 0)
      System.arraycopy(scores, 0, out, r * centres.k, centres.k)
      r += 1
    }
  }
}

private object SparseSearch {
  // The share of a square below which a difference has lost most of its digits.
  private final val Cancelled = 1e-8
}
