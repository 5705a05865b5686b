import sys; sys.path.insert(0,'/work/main/tests/browser')
import time, test_saliency_explorer as T
from playwright.sync_api import Page
def test_t(notebook):
    t=time.time()
    page = notebook("t-x", [T.EXPLORE + T.BY_CORE + "\nexplorer"]); print("run", time.time()-t)
    page.locator(T.CANVASES).nth(9).wait_for(); print("canv", time.time()-t)
    T.maps_are_complete(page); print("complete", time.time()-t)
    page.kernel("differ(0, explorer.selection.target)"); print("differ", time.time()-t)
    T.choose_class(page,2); print("chosen", time.time()-t)
    T.maps_are_complete(page); print("complete", time.time()-t)
    page.kernel("differ(0, explorer.selection.target)"); print("differ", time.time()-t)
    page.wait_for_timeout(8000)
    page.kernel("differ(0, explorer.selection.target)"); print("differ", time.time()-t)
