package mllibpy.algorithm.als

import mllibpy.engine.{Buckets, Duplicates, Gather, InvalidInput, Layout, Shared, SparseBlock}
import mllibpy.kernel.{GramianTree, RowSolver, Stride}

/** Factors of new users or items without a refit: each row is solved exactly against the other
  * side's factors, as a half-step would. One shuffle, one job.
  */
object FoldIn {

  /** A model whose `side` is the rows of `ratings`, and whose other side is the model's. Ratings of
    * an unknown row of the other side are left out.
    */
  def apply(model: AlsModel, ratings: Ratings, side: Side): AlsModel = {
    InvalidInput.unless(
      !model.params.sampled,
      "a sampled model cannot fold in rows; fit it again with their ratings"
    )
    ratings.facts
    val others = if (side == Side.User) model.items else model.users
    val sc = ratings.chunks.sparkContext
    val shared = Shared(sc, others)
    val buckets = Buckets.of(ratings.facts.count, sc.defaultParallelism)
    val policy = model.params.duplicates
    val chunks =
      if (side == Side.User) ratings.chunks else ratings.chunks.map(_.transposed)
    val built = Layout.blocks(
      chunks.map(c => c.filter(i => shared.value.find(c.columns(i)) >= 0)),
      buckets,
      policy
    )
    val solver = solve(model, side)
    try {
      val parts = Gather(built.map { b =>
        InvalidInput.unless(
          policy != Duplicates.Refuse || b.duplicates == 0,
          "ratings repeat a (user, item) pair; remove them, or fit with duplicates='sum', 'mean' or 'last'"
        )
        solver(b.block, shared.value)
      }).sortBy(_.seen.number)
      InvalidInput.unless(
        parts.exists(_.keys.nonEmpty),
        "no rating is of a row that the model knows; there is nothing to fold in"
      )
      assemble(model, side, ratings, parts)
    } finally {
      Layout.release(built)
      shared.destroy()
    }
  }

  private final class Part(val keys: Array[Long], val rows: Array[Float], val seen: Seen.Part)
      extends Serializable

  private def solve(model: AlsModel, side: Side): (SparseBlock, FactorTable) => Part = {
    val others = if (side == Side.User) model.items else model.users
    val params = model.params
    val plan = params.plan(model.facts.meanRating)
    val gramian =
      if (!params.implicitFeedback) null
      else {
        val all = Stride.pad(others.rows, others.rank)
        GramianTree.total(
          GramianTree.nodes(all, others.rank, 1, 0, Array(0, others.size)),
          others.rank
        )
      }
    (block: SparseBlock, table: FactorTable) => {
      val stride = Stride.of(plan.width)
      val places = block.columnKeys.map(table.find)
      val fixed = new Array[Float](places.length * stride)
      for (i <- places.indices)
        System.arraycopy(table.rows, places(i) * plan.width, fixed, i * stride, plan.width)
      val out = new Array[Float](block.rowKeys.length * stride)
      new RowSolver(plan.width, plan.objective, side = side.number, others = table.size.toLong)
        .solve(block.csr, 0, block.csr.rows, fixed, gramian, null, out)
      new Part(block.rowKeys, out, Seen.part(block, places))
    }
  }

  private def assemble(m: AlsModel, side: Side, ratings: Ratings, parts: Array[Part]): AlsModel = {
    val space = if (side == Side.User) ratings.users else ratings.items
    val keys = Array.concat(parts.map(_.keys).toIndexedSeq: _*)
    val padded = Array.concat(parts.map(_.rows).toIndexedSeq: _*)
    val (table, rowOf) = FactorTable.of(space, keys, padded, m.params.width)
    val all = Seen.assemble(parts.map(_.seen), rowOf)
    val seen = if (ratings.weighted) all.bare else all
    if (side == Side.User) new AlsModel(m.params, table, m.items, seen, m.facts)
    else new AlsModel(m.params, m.users, table, seen.transposed(m.users.size), m.facts)
  }
}
