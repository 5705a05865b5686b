import test_saliency_explorer as T
def test_t(notebook):
    page = notebook("saliency", [T.EXPLORE.replace('"toynet", image', '\n    "toynet", image').strip()])
    page.page.set_viewport_size({"width": 1420, "height": 1400})
    page.locator(T.CANVASES).nth(9).wait_for()
    T.maps_are_complete(page)
    page.wait_for_timeout(1000)
    for n,name in enumerate(("toytown bus","toytown cat","toytown flower","toytown mushroom", "toytown bicycle")):
        page.kernel(f"explorer.images.set_trait('image', cw.samples('{name}'))")
        page.wait_for_timeout(1500)
        T.maps_are_complete(page)
        page.wait_for_timeout(500)
        page.page.locator(".cw-explorer").screenshot(path=f"/tmp/w/i5_{n}.png")
