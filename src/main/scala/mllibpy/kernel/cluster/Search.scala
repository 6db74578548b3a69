package mllibpy.kernel.cluster

import mllibpy.kernel.linear.{DenseExamples, Examples, FloatExamples, SparseExamples}

/** The nearest of some centres, for a tile of a block's rows at a time. It owns its scratch space.
  */
abstract class Search {

  /** Of the tile's rows: the best score, the centre that has it, and the second best score. */
  val best = new Array[Double](Search.Tile)
  val which = new Array[Int](Search.Tile)
  val second = new Array[Double](Search.Tile)
  protected var n = 0

  /** What a sum of two of the numbers that scores are made of is rounded by, as a share of it. */
  def epsilon: Double

  /** Centres to a panel. */
  def panelWidth: Int

  /** Takes rows that stand together, [[Search.Tile]] at most. */
  def take(from: Int, count: Int): Unit

  /** Takes the rows `of(from until from + count)`. */
  def gather(of: Array[Int], from: Int, count: Int): Unit

  /** Scores the tile's rows with the centres of some panels. */
  def find(centres: Centres, from: Int, until: Int, two: Boolean): Unit

  final def find(centres: Centres, two: Boolean): Unit =
    find(centres, 0, centres.panels(panelWidth), two)

  /** The tile's scores with each of at most a panel of centres, `out(r * k + c)`. */
  def each(centres: Centres, out: Array[Double]): Unit

  /** The score of a row of the block with one centre. */
  def score(row: Int, centres: Centres, c: Int): Double

  /** The squared distance of a row, times `by`, from the point at `at`.
    *
    * @param square
    *   of the point's length
    */
  def squared(row: Int, point: Array[Double], at: Int, square: Double, by: Double = 1): Double

  /** The length of a row. */
  def length(row: Int): Double

  /** How much a score can be wrong by rounding, for a row of this length: every addition errs by
    * `epsilon` of what has been added up so far, and so do the centres' own numbers.
    */
  final def slack(centres: Centres, length: Double): Double = {
    val added = (length + centres.shiftLength) * centres.reach + centres.reach * centres.reach
    2 * (centres.features + 8) * epsilon * added
  }
}

object Search {

  /** Rows to a tile: a panel is read once for all of them. */
  final val Tile = 64

  private[cluster] def whole(n: Int): Int =
    (n + CentreTiles.Rows - 1) / CentreTiles.Rows * CentreTiles.Rows

  /** The square of the length of the point at `at`. */
  def square(point: Array[Double], at: Int, n: Int): Double = {
    var sum = 0.0
    var f = at
    while (f < at + n) { sum += point(f) * point(f); f += 1 }
    sum
  }

  def of(block: Examples, arithmetic: CentreTiles = CentreTiles.best): Search = block match {
    case f: FloatExamples =>
      new DenseSingleSearch(f.values, f.rows, f.stride, f.features, arithmetic)
    case d: DenseExamples =>
      new DenseDoubleSearch(d.values, d.rows, d.stride, d.features, arithmetic)
    case s: SparseExamples => new SparseSearch(s, arithmetic)
    case other             =>
      throw new IllegalArgumentException(s"no search in ${other.getClass.getSimpleName}")
  }

  /** Calls `tile` with the first row and number of rows of each tile. */
  def tiles(rows: Int)(tile: (Int, Int) => Unit): Unit = {
    var from = 0
    while (from < rows) {
      val n = Math.min(Tile, rows - from)
      tile(from, n)
      from += n
    }
  }
}
