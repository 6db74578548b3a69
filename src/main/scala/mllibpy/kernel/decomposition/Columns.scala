package mllibpy.kernel.decomposition

import mllibpy.kernel.Tiles

import java.util.stream.IntStream

/** A matrix of few columns, by row, `width` numbers apart: as many as a multiple of
  * [[Tiles.Doubles]], zeros behind the last column.
  */
final class Columns(val rows: Int, val columns: Int, val values: Array[Double])
    extends Serializable {
  def width: Int = Tiles.padded(columns)

  def apply(row: Int, column: Int): Double = values(row * width + column)
  def update(row: Int, column: Int, value: Double): Unit = values(row * width + column) = value

  /** For blocks of float32. */
  @transient lazy val floats: Array[Float] = {
    val across = Tiles.paddedFloats(columns)
    val out = new Array[Float](Math.multiplyExact(rows, across))
    for (r <- 0 until rows; c <- 0 until columns) out(r * across + c) = this(r, c).toFloat
    out
  }

  /** The columns from until end. */
  def slice(from: Int, end: Int): Columns = {
    val out = Columns(rows, end - from)
    for (r <- 0 until rows)
      System.arraycopy(values, r * width + from, out.values, r * out.width, end - from)
    out
  }

  /** This times a small matrix. */
  def *(m: Columns): Columns = Columns(rows, m.columns).addProduct(this, m)

  /** Adds a matrix of as many rows, times a small one. */
  def addProduct(q: Columns, m: Columns): this.type = {
    Columns.parts(rows).forEach { part =>
      val from = part * Columns.Part
      Tiles.best.multiply(
        q.values,
        from * q.width,
        q.width,
        1,
        Math.min(Columns.Part, rows - from),
        q.columns,
        m.values,
        0,
        m.width,
        m.width,
        values,
        from * width,
        width
      )
    }
    this
  }

  /** This transposed, times a matrix of as many rows. */
  def cross(other: Columns): Columns = {
    val sums =
      Columns.parts(rows).mapToObj(part => crossOf(other, part)).toArray(new Array[Columns](_))
    sums.reduceOption(_ += _).getOrElse(Columns(columns, other.columns))
  }

  private def crossOf(other: Columns, part: Int): Columns = {
    val out = Columns(columns, other.columns)
    // Some rows at a time, so that they stay in the cache for all columns of this one.
    var r = part * Columns.Part
    val end = Math.min(rows, r + Columns.Part)
    while (r < end) {
      val n = Math.min(Columns.Tile, end - r)
      Tiles.best.multiply(
        values,
        r * width,
        1,
        width,
        columns,
        n,
        other.values,
        r * other.width,
        other.width,
        other.width,
        out.values,
        0,
        out.width
      )
      r += n
    }
    out
  }

  def +=(other: Columns): this.type = {
    var i = 0
    while (i < values.length) { values(i) += other.values(i); i += 1 }
    this
  }

  def -=(other: Columns): this.type = {
    var i = 0
    while (i < values.length) { values(i) -= other.values(i); i += 1 }
    this
  }

  /** Each column times a number of its own, in a copy. */
  def scaled(by: Int => Double): Columns = {
    val out = Columns(rows, columns)
    val factors = Array.tabulate(columns)(by)
    for (r <- 0 until rows; c <- 0 until columns) out(r, c) = this(r, c) * factors(c)
    out
  }

  /** The lengths of the columns; of numbers too whose squares float64 does not hold. */
  def lengths: Array[Double] = {
    val by = Columns.unit(values)
    val out = new Array[Double](columns)
    for (r <- 0 until rows; c <- 0 until columns) {
      val x = this(r, c) * by
      out(c) += x * x
    }
    out.map(Math.sqrt(_) / by)
  }

  /** The squared lengths of the columns. */
  def squares: Array[Double] = {
    val out = new Array[Double](columns)
    for (r <- 0 until rows; c <- 0 until columns) out(c) += this(r, c) * this(r, c)
    out
  }
}

object Columns {
  private final val Tile = 1024
  // A task of few milliseconds; the same parts whatever cores there are, so that sums are the same.
  private final val Part = 16 * Tile

  /** The numbers of the parts of so many rows, for which there is a thread each. */
  private def parts(rows: Int): IntStream = {
    val found = IntStream.range(0, (rows + Part - 1) / Part)
    if (rows > Part) found.parallel() else found
  }

  // Of powers of two whose inverse is one, too.
  private final val MostExponent = 1000

  /** The power of two that brings the largest of some numbers to between 1 and 2, as far as powers
    * of two go; 1 where all are 0.
    */
  def unit(values: Array[Double]): Double = {
    var most = 0.0
    for (x <- values) most = Math.max(most, Math.abs(x))
    val exponent = Math.max(-MostExponent, Math.min(MostExponent, Math.getExponent(most)))
    if (most == 0) 1 else Math.scalb(1.0, -exponent)
  }

  def apply(rows: Int, columns: Int): Columns =
    new Columns(rows, columns, new Array(Math.multiplyExact(rows, Tiles.padded(columns))))

  def tabulate(rows: Int, columns: Int)(f: (Int, Int) => Double): Columns = {
    val out = Columns(rows, columns)
    for (r <- 0 until rows; c <- 0 until columns) out(r, c) = f(r, c)
    out
  }

  def identity(n: Int): Columns = tabulate(n, n)((i, j) => if (i == j) 1 else 0)

  /** Some matrices beside each other. */
  def beside(of: Seq[Columns]): Columns = {
    val out = Columns(of.head.rows, of.map(_.columns).sum)
    var at = 0
    for (m <- of) {
      for (r <- 0 until m.rows)
        System.arraycopy(m.values, r * m.width, out.values, r * out.width + at, m.columns)
      at += m.columns
    }
    out
  }
}
