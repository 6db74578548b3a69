package mllibpy.kernel.cluster

import mllibpy.kernel.linear.Examples

import scala.collection.mutable

/** How far each row of a block is from the nearest seed, and from each of those that are tried. */
final class NearRows(rows: Int, trials: Int) {
  private[cluster] val nearest = Array.fill(rows)(Double.PositiveInfinity)
  private[cluster] val tried = new Array[Double](rows * trials)
  private[cluster] var many = 0
  private var begun = false

  /** What rows are drawn by: weight times distance, the weight alone before there are seeds. */
  private def mass(block: Examples, row: Int): Double =
    block.weight(row) * (if (begun) nearest(row) else 1)

  def masses(block: Examples): Double = {
    var sum = 0.0
    var r = 0
    while (r < rows) { sum += mass(block, r); r += 1 }
    sum
  }

  /** The row at a place in that sum. */
  def rowAt(block: Examples, at: Double): Int = {
    var sum = 0.0
    var r = 0
    var last = 0
    while (r < rows && sum <= at) {
      val m = mass(block, r)
      if (m > 0) last = r
      sum += m
      r += 1
    }
    last
  }

  private[cluster] def choose(best: Int): Unit = {
    begun = true
    var r = 0
    while (r < rows) {
      nearest(r) = Math.min(nearest(r), tried(r * many + best))
      r += 1
    }
  }
}

/** What each of some rows would leave, as the next seed. */
final class TriedSum(of: Centres, near: Examples => NearRows) {
  val left = new Array[Double](of.k)
  private val scores = new Array[Double](Search.Tile * of.k)
  private val shiftSquare = Search.square(of.shift, 0, of.features)

  def add(block: Examples): this.type = {
    val search = Search.of(block)
    val state = near(block)
    state.many = of.k
    Search.tiles(block.rows) { (from, n) =>
      search.take(from, n)
      search.each(of, scores)
      var r = 0
      while (r < n) {
        row(block, search, state, from + r, r)
        r += 1
      }
    }
    this
  }

  private def row(block: Examples, search: Search, state: NearRows, row: Int, r: Int): Unit = {
    val length = search.length(row)
    val around = if (of.cosine) 0 else search.squared(row, of.shift, 0, shiftSquare)
    // What is as good as 0 is found by differences: a seed must not be drawn again.
    val sure = 32 * search.slack(of, length)
    var c = 0
    while (c < of.k) {
      val score = scores(r * of.k + c)
      val apart = if (of.cosine) 1 - score / length else around - 2 * score
      val d = if (apart > sure) apart else Distance(search, of, row, c)
      state.tried(row * of.k + c) = d
      left(c) += block.weight(row) * Math.min(state.nearest(row), d)
      c += 1
    }
  }

  def merge(other: TriedSum): this.type = {
    AssignSum.add(other.left, left)
    this
  }
}

/** Takes one of those that were tried; what weighs each block then. */
final class ChosenSum(best: Int, near: Examples => NearRows) {
  val masses: mutable.Buffer[Double] = mutable.Buffer.empty

  def add(block: Examples): this.type = {
    near(block).choose(best)
    masses += near(block).masses(block)
    this
  }

  def merge(other: ChosenSum): this.type = {
    masses ++= other.masses
    this
  }
}
