package mllibpy.kernel

/** The equations of some rows, each summed over some of its ratings: they can be added up where the
  * ratings of a row lie in several places.
  *
  * @param numbers
  *   for each row the upper triangle of sum w y y^T, row by row, and the right-hand side behind it
  * @param constants
  *   what each row adds to the objective where x = 0
  * @param counts
  *   how many of its ratings count for the ridge
  */
final class RowSums(
    val rank: Int,
    val numbers: Array[Float],
    val constants: Array[Double],
    val counts: Array[Int]
) {
  def rows: Int = counts.length

  /** Adds those of `other` to the rows at `places`. */
  def add(places: Array[Int], other: RowSums): Unit = {
    val width = RowSums.width(rank)
    var r = 0
    while (r < places.length) {
      add(places(r) * width, other.numbers, r * width, width)
      constants(places(r)) += other.constants(r)
      counts(places(r)) += other.counts(r)
      r += 1
    }
  }

  private def add(to: Int, others: Array[Float], from: Int, n: Int): Unit = {
    var j = 0
    while (j < n) { numbers(to + j) += others(from + j); j += 1 }
  }
}

object RowSums {

  /** Numbers to a row. */
  def width(rank: Int): Int = Math.addExact(Math.multiplyExact(rank, rank + 1) / 2, rank)

  /** Of rows without a rating. */
  def none(rank: Int, rows: Int): RowSums = new RowSums(
    rank,
    new Array[Float](Math.multiplyExact(rows, width(rank))),
    new Array[Double](rows),
    new Array[Int](rows)
  )
}

/** Forms [[RowSums]]. Not thread safe: it owns its scratch space. */
final class RowSummer(
    rank: Int,
    objective: Objective,
    arithmetic: Arithmetic = Arithmetic.best
) {
  private val stride = Stride.of(rank)
  private val ratings = new RowRatings(objective)
  private val equations = new RatedEquations(rank, arithmetic)
  private val a = new Array[Float](stride * stride)
  private val b = new Array[Float](stride)

  /** Of the rows `from until until`, against the rows `fixed` that their columns index. */
  def sum(rows: SparseRows, from: Int, until: Int, fixed: Array[Float]): RowSums = {
    val out = RowSums.none(rank, until - from)
    var r = 0
    while (r < until - from) {
      ratings.load(rows, from + r)
      equations.of(ratings, fixed).form(null, a, b)
      pack(out.numbers, r * RowSums.width(rank))
      out.constants(r) = ratings.constant
      out.counts(r) = ratings.count
      r += 1
    }
    out
  }

  private def pack(out: Array[Float], from: Int): Unit = {
    var at = from
    var i = 0
    while (i < rank) {
      System.arraycopy(a, i * stride + i, out, at, rank - i)
      at += rank - i
      i += 1
    }
    System.arraycopy(b, 0, out, at, rank)
  }
}

/** Equations out of [[RowSums]]. */
private[kernel] final class SummedEquations(rank: Int) extends Equations {
  private val stride = Stride.of(rank)
  private var sums: RowSums = _
  private var row = 0

  /** These, of another row. */
  def of(sums: RowSums, row: Int): SummedEquations = {
    this.sums = sums
    this.row = row
    this
  }

  def constant: Double = sums.constants(row)

  def form(base: Array[Float], a: Array[Float], b: Array[Float]): Unit = {
    if (base == null) java.util.Arrays.fill(a, 0f)
    else System.arraycopy(base, 0, a, 0, a.length)
    var at = row * RowSums.width(rank)
    var i = 0
    while (i < rank) {
      var j = i * stride + i
      val end = i * stride + rank
      while (j < end) { a(j) += sums.numbers(at); at += 1; j += 1 }
      i += 1
    }
    java.util.Arrays.fill(b, 0f)
    System.arraycopy(sums.numbers, at, b, 0, rank)
  }
}
