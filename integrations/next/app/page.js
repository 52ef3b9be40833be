"use client";
import { useEffect, useState } from "react";

export default function Page() {
  const [labels, setLabels] = useState();
  useEffect(() => {
    // In the browser only: a worker and its files are no matter of the server that renders the page.
    import("../classify.js").then(({ classifySample }) => classifySample()).then(setLabels);
  }, []);
  return <pre>{labels ? JSON.stringify(labels, null, 2) : "classifying …"}</pre>;
}
