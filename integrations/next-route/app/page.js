export default function Page() {
  return <p>POST a scan to /api/classify</p>;
}
