package mllibpy.api

import com.fasterxml.jackson.databind.ObjectMapper
import com.fasterxml.jackson.databind.node.ObjectNode
import mllibpy.algorithm.als.{ClusterFacts, Shape, StrategyCost}

/** The answer of `explain` as JSON. */
object CostJson {
  private val mapper = new ObjectMapper()

  def of(
      shape: Shape,
      cluster: ClusterFacts,
      costs: Seq[StrategyCost],
      chosen: String
  ): ObjectNode = {
    val out = mapper.createObjectNode()
    val s = out.putObject("shape")
    s.put("users", shape.users)
    s.put("items", shape.items)
    s.put("ratings", shape.ratings)
    s.put("rank", shape.rank)
    s.put("iterations", shape.iterations)
    val c = out.putObject("cluster")
    c.put("executors", cluster.executors)
    c.put("cores", cluster.cores)
    c.put("memory", cluster.memory)
    c.put("driver_memory", cluster.driverMemory)
    c.put("local", cluster.local)
    c.put("bandwidth", cluster.bandwidth)
    val all = out.putArray("strategies")
    costs.foreach(x => all.add(of(x)))
    out.put("chosen", chosen)
    out.put("reason", reason(costs, chosen))
    out
  }

  private def of(c: StrategyCost): ObjectNode = {
    val out = mapper.createObjectNode()
    out.put("strategy", c.strategy)
    out.put("layout_bytes", c.layoutBytes)
    out.put("bytes_per_iteration", c.bytesPerIteration)
    out.put("executor_memory", c.executorMemory)
    out.put("driver_memory", c.driverMemory)
    out.put("seconds", c.seconds)
    out.put("feasible", c.feasible)
    out.put("why_not", c.why.orNull)
    out
  }

  private def reason(costs: Seq[StrategyCost], chosen: String): String = {
    val best = costs.find(_.strategy == chosen).get
    if (StrategyCost.choose(costs).strategy != chosen) "asked for by name"
    else if (!best.feasible) s"none fits; this one needs the least memory: ${best.why.get}"
    else {
      val others = costs.filter(_ != best).map { c =>
        val more =
          if (c.strategy != "hybrid" || c.seconds > best.seconds) ""
          else s", not ${StrategyCost.Worth} times less, for factors that depend on the blocks"
        c.why
          .map(w => s"${c.strategy} $w")
          .getOrElse(f"${c.strategy} takes an estimated ${c.seconds}%.3g s$more")
      }
      f"the fastest that fits, an estimated ${best.seconds}%.3g s; ${others.mkString("; ")}"
    }
  }
}
